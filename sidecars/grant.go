package sidecars

import (
	"cmp"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what MySQL's and MariaDB's native passwords are stored as
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// grantUser is the account that is made where a definition names none.
const grantUser = "outrider"

// grantValues are what statements of a grant may mention.
var grantValues = []string{"user", "password", "scram-sha-256", "mysql-native-password", "sha256"}

// grantValue is a mention.
var grantValue = regexp.MustCompile(`\$\{([^}]*)\}`)

func validateGrant(g *v1alpha1.Grant, bad *problems) {
	if g == nil {
		return
	}
	n := 0
	for _, set := range []bool{g.Unneeded != "", g.Manual != "", len(g.Ways) > 0} {
		if set {
			n++
		}
	}
	if n != 1 {
		bad.add("spec.grant", "needs exactly one of unneeded, manual and ways")
	}
	for i, way := range g.Ways {
		for field, text := range map[string]string{"grant": way.Grant, "revoke": way.Revoke} {
			for _, m := range grantValue.FindAllStringSubmatch(text, -1) {
				if !slices.Contains(grantValues, m[1]) {
					bad.add(fmt.Sprintf("spec.grant.ways[%d].%s", i, field), "${%s} is none of %v", m[1], grantValues)
				}
			}
		}
	}
}

// GrantStatements are what is run in a server's container to make an account, or
// to remove it, with the values filled in.
type GrantStatements struct {
	Container     string
	Shell         string
	Grant, Revoke string
	EveryPod      bool
	Note          string
}

// GrantUser is the account that a definition's grant makes.
func GrantUser(g *v1alpha1.Grant) string { return cmp.Or(g.User, grantUser) }

// GrantStatements finds the way in which an exporter's account is made in the pod,
// and fills in values by name. An error says why there is none.
func (c Catalog) GrantStatements(exporter string, pod *corev1.Pod, values map[string]string) (GrantStatements, error) {
	e, known := c.entries[exporter]
	switch {
	case !known:
		return GrantStatements{}, fmt.Errorf("there is no exporter %q%s", exporter, c.instead(exporter))
	case e.spec.Grant == nil:
		return GrantStatements{}, fmt.Errorf("the definition of %s does not say how an account is made", exporter)
	case e.spec.Grant.Unneeded != "":
		return GrantStatements{}, fmt.Errorf("%s needs no account: %s", exporter, e.spec.Grant.Unneeded)
	case e.spec.Grant.Manual != "":
		return GrantStatements{}, fmt.Errorf("the account of %s cannot be made by a client program: %s", exporter, e.spec.Grant.Manual)
	}
	p := planner{Input: Input{Pod: pod}, catalog: c, Plan: Plan{pod: pod}}
	shown, ok := p.settings(e)
	if !ok || shown.server == nil {
		return GrantStatements{}, fmt.Errorf("nothing shows which container the %s server is; name it: %s", exporter, parameterKey(exporter, containerParameter))
	}
	for _, way := range e.spec.Grant.Ways {
		if !e.seen(shown, way.When, nil) {
			continue
		}
		fill := func(text string) string {
			return grantValue.ReplaceAllStringFunc(text, func(m string) string { return values[m[2:len(m)-1]] })
		}
		return GrantStatements{Container: shown.server.Name, Shell: way.Shell, Grant: fill(way.Grant), Revoke: fill(way.Revoke), EveryPod: way.EveryPod, Note: way.Note}, nil
	}
	return GrantStatements{}, fmt.Errorf("the definition of %s has no way to make an account in a server like this", exporter)
}

// GrantValues are what statements may mention of an account; salt is 16 random
// bytes. Only ${password} is the password itself.
func GrantValues(user, password string, salt []byte) (map[string]string, error) {
	scram, err := scramSHA256(password, salt)
	if err != nil {
		return nil, fmt.Errorf("derive a verifier from the password: %w", err)
	}
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	return map[string]string{
		"user": user, "password": password, "scram-sha-256": scram, "mysql-native-password": fmt.Sprintf("*%X", twice),
		"sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(password))),
	}, nil
}

// scramSHA256 is what PostgreSQL stores of a password (RFC 5802, RFC 7677).
func scramSHA256(password string, salt []byte) (string, error) {
	const rounds = 4096 // PostgreSQL's own
	salted, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	if err != nil {
		return "", err
	}
	keyed := func(text string) []byte {
		mac := hmac.New(sha256.New, salted)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	stored := sha256.Sum256(keyed("Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", rounds, encode(salt), encode(stored[:]), encode(keyed("Server Key"))), nil
}

// Superusers are the exporters of an injected pod that log in as an account which
// may do everything, as far as the pod shows it: one of that name, or the one that the
// server's image makes by a variable.
func Superusers(pod *corev1.Pod, c Catalog) []string {
	var found []string
	containers := slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers)
	for _, d := range ParseStatus(pod).Decisions {
		e, known := c.entries[d.Exporter]
		if !known || d.Outcome != Injected || e.spec.Grant == nil || e.spec.Credentials == nil {
			continue
		}
		for i := range containers {
			if containers[i].Name == ContainerPrefix+d.Exporter && e.superuser(&containers[i], containers) {
				found = append(found, d.Exporter)
			}
		}
	}
	return found
}

// superuser reports whether a sidecar's user is a superuser of the server among the
// pod's containers.
func (e *entry) superuser(sidecar *corev1.Container, containers []corev1.Container) bool {
	user, password := "", false
	for _, v := range sidecar.Env {
		switch v.Name {
		case e.spec.Credentials.User:
			if v.ValueFrom != nil {
				return false // whose it is does not stand in the pod
			}
			user = v.Value
		case e.spec.Credentials.Password:
			password = true
		}
	}
	if user == "" && !password {
		return false
	}
	return slices.Contains(e.spec.Grant.Superusers, user) || slices.ContainsFunc(containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool {
			return v.Value == user && slices.Contains(e.spec.Grant.SuperuserVariables, v.Name)
		})
	})
}
