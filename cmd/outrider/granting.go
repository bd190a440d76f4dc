package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/sidecars"
)

// granting makes or removes the account of one exporter of one workload.
type granting struct {
	client   kubernetes.Interface
	workload workload
	exporter string
	user     string
	catalog  sidecars.Catalog
	// exec runs a script in a container, with a text on its standard input.
	exec func(ctx context.Context, pod, container, script, stdin string) error
	out  io.Writer
}

// managed marks Secrets that grant made, and revoke may delete.
var managed = map[string]string{"app.kubernetes.io/managed-by": "outrider"}

const passwordKey = "password"

func (g *granting) secretName() string { return g.workload.name + "-outrider-" + g.exporter }

// annotations are those of the template with which the exporter uses the account.
func (g *granting) annotations() map[string]string {
	return map[string]string{
		g.exporter + "." + sidecars.Domain + "/user":   g.user,
		g.exporter + "." + sidecars.Domain + "/secret": g.secretName() + "/" + passwordKey,
	}
}

// statements for the workload's server, with the values of a password.
func (g *granting) statements(password string) (sidecars.GrantStatements, map[string]string, error) {
	salt := make([]byte, 16)
	rand.Read(salt) // it never fails
	values, err := sidecars.GrantValues(g.user, password, salt)
	if err != nil {
		return sidecars.GrantStatements{}, nil, err
	}
	s, err := g.catalog.GrantStatements(g.exporter, g.workload.pod(), values)
	return s, values, err
}

// grant makes the Secret, the account and the annotations; what already exists
// is kept, and set right. Nothing is printed that has the password.
func (g *granting) grant(ctx context.Context) error {
	password, err := g.password(ctx)
	if err != nil {
		return err
	}
	s, values, err := g.statements(password)
	if err != nil {
		return err
	}
	// Servers that do not share accounts forget them when they start again, and the annotations make them.
	run := func() error { return g.run(ctx, s, s.Grant, values) }
	annotate := func() error { return g.annotate(ctx) }
	rolledOut := func() error { return g.rolledOut(ctx) } // statements need a server that answers
	steps := []func() error{rolledOut, run, annotate}
	if s.EveryPod {
		steps = []func() error{annotate, rolledOut, run}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	fmt.Fprintf(g.out, "account %s is made for the %s exporter of %s; its password is in Secret %s\n", g.user, g.exporter, g.workload, g.secretName())
	if s.Note != "" {
		fmt.Fprintln(g.out, "note:", s.Note)
	}
	return nil
}

// password is that of the Secret, which is made where there is none.
func (g *granting) password(ctx context.Context) (string, error) {
	secrets := g.client.CoreV1().Secrets(g.workload.namespace)
	found, err := secrets.Get(ctx, g.secretName(), metav1.GetOptions{})
	switch {
	case err == nil && len(found.Data[passwordKey]) == 0:
		return "", fmt.Errorf("secret %s has no key %s; add one of letters and digits, or delete it", g.secretName(), passwordKey)
	case err == nil && strings.Trim(string(found.Data[passwordKey]), letters) != "":
		return "", fmt.Errorf("the password in Secret %s has other characters than letters and digits; delete it to have one generated", g.secretName())
	case err == nil:
		return string(found.Data[passwordKey]), nil
	case !apierrors.IsNotFound(err):
		return "", fmt.Errorf("get Secret %s: %w", g.secretName(), err)
	}
	password := newPassword()
	made := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: g.secretName(), Labels: managed},
		Data:       map[string][]byte{passwordKey: []byte(password), "username": []byte(g.user)},
	}
	if _, err := secrets.Create(ctx, made, metav1.CreateOptions{FieldManager: "outrider"}); err != nil {
		return "", fmt.Errorf("create Secret %s: %w", g.secretName(), err)
	}
	return password, nil
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// newPassword is 32 letters and digits: more than 190 bits.
func newPassword() string { return (rand.Text() + rand.Text())[:32] }

// run runs statements in the workload's running pods: in each, or in the first
// that accepts them.
func (g *granting) run(ctx context.Context, s sidecars.GrantStatements, text string, values map[string]string) error {
	pods, err := g.client.CoreV1().Pods(g.workload.namespace).List(ctx, metav1.ListOptions{LabelSelector: g.workload.selector, FieldSelector: "status.phase=Running"})
	if err != nil {
		return fmt.Errorf("list the pods of %s: %w", g.workload, err)
	}
	var errs []error
	n := 0
	for i := range pods.Items {
		if pods.Items[i].DeletionTimestamp != nil {
			continue
		}
		n++
		err := g.exec(ctx, pods.Items[i].Name, s.Container, s.Shell, text)
		if err == nil && !s.EveryPod {
			return nil
		}
		if err != nil {
			errs = append(errs, errors.New(scrub(err.Error(), values)))
		}
	}
	if n == 0 {
		return fmt.Errorf("%s has no running pod in which statements could be run", g.workload)
	}
	return errors.Join(errs...)
}

// scrub takes the password, and what servers store of it, out of a text: a client
// program may repeat the statement that it could not run.
func scrub(text string, values map[string]string) string {
	for name, value := range values {
		if name != "user" && value != "" {
			text = strings.ReplaceAll(text, value, "…")
		}
	}
	return text
}

// annotate sets the template's annotations, or removes them. Where they are as
// they should be nothing is rolled out.
func (g *granting) annotate(ctx context.Context) error {
	changed := false
	for key, value := range g.annotations() {
		changed = changed || g.workload.template.Annotations[key] != value
	}
	if !changed {
		return nil
	}
	set := map[string]any{}
	for key, value := range g.annotations() {
		set[key] = value
	}
	return g.patch(ctx, set)
}

func (g *granting) patch(ctx context.Context, annotations map[string]any) error {
	raw, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": annotations}}}})
	if err != nil {
		return fmt.Errorf("encode annotations: %w", err)
	}
	if err := g.workload.patch(ctx, raw); err != nil {
		return fmt.Errorf("annotate the template of %s: %w", g.workload, err)
	}
	return nil
}

// rolloutTime is how long a rollout may take.
const rolloutTime = 10 * time.Minute

func (g *granting) rolledOut(ctx context.Context) error {
	err := wait.PollUntilContextTimeout(ctx, time.Second, rolloutTime, true, g.workload.rolledOut)
	if err != nil {
		return fmt.Errorf("wait for the rollout of %s: %w; then do it again", g.workload, err)
	}
	return nil
}

// revoke removes what grant made: the account, the annotations, the Secret.
func (g *granting) revoke(ctx context.Context) error {
	s, values, err := g.statements("unused")
	if err != nil {
		return err
	}
	// The statements come first: the annotations roll the servers out, and one that starts takes none.
	if err := g.rolledOut(ctx); err != nil {
		return err
	}
	if err := g.run(ctx, s, s.Revoke, values); err != nil {
		return err
	}
	unset := map[string]any{}
	for key, value := range g.annotations() {
		if g.workload.template.Annotations[key] == value {
			unset[key] = nil
		}
	}
	if len(unset) > 0 {
		if err := g.patch(ctx, unset); err != nil {
			return err
		}
	}
	secrets := g.client.CoreV1().Secrets(g.workload.namespace)
	found, err := secrets.Get(ctx, g.secretName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		err = nil
	} else if err == nil && found.Labels["app.kubernetes.io/managed-by"] == "outrider" {
		err = secrets.Delete(ctx, g.secretName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &found.UID}})
	}
	if err != nil {
		return fmt.Errorf("delete Secret %s: %w", g.secretName(), err)
	}
	fmt.Fprintf(g.out, "account %s of the %s exporter of %s is removed, with its Secret and annotations\n", g.user, g.exporter, g.workload)
	return nil
}

// print shows what grant would do, for someone else to do it.
func (g *granting) print() error {
	values := map[string]string{
		"user": g.user, "password": "PASSWORD", "scram-sha-256": "PASSWORD",
		"mysql-native-password": "*UPPER(SHA1(UNHEX(SHA1('PASSWORD'))))", "sha256": "SHA256-OF-THE-PASSWORD",
	}
	s, err := g.catalog.GrantStatements(g.exporter, g.workload.pod(), values)
	if err != nil {
		return err
	}
	where := "in one pod that accepts writes"
	if s.EveryPod {
		where = "in every pod"
	}
	fmt.Fprintf(g.out, "# As an administrator, %s of %s (container %s):\n%s\n", where, g.workload, s.Container, s.Grant)
	fmt.Fprintf(g.out, "# The Secret, with the password from standard input:\nkubectl create secret generic %s -n %s --from-file=%s=/dev/stdin\n\n# The annotations of the pod template:\n", g.secretName(), g.workload.namespace, passwordKey)
	for _, part := range []string{"user", "secret"} {
		key := g.exporter + "." + sidecars.Domain + "/" + part
		fmt.Fprintf(g.out, "%s: %s\n", key, g.annotations()[key])
	}
	fmt.Fprintf(g.out, "\n# To undo it:\n%s", s.Revoke)
	if s.Note != "" {
		fmt.Fprintln(g.out, "\n# Note:", s.Note)
	}
	return nil
}
