package diagnosis

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/cert"

	"github.com/outrider-dev/outrider/sidecars"
)

// replicas looks at the Deployment behind the Service. The controller is not on the way of a pod.
func replicas(ctx context.Context, p *Patient, found func(Finding)) bool {
	const name = "webhook"
	deployment, err := p.Client.AppsV1().Deployments(p.installation.namespace).Get(ctx, p.installation.fullname+"-webhook", metav1.GetOptions{})
	if err != nil {
		found(warn(name, "", "its Deployment cannot be read: %v", err))
		return true
	}
	want, ready := int32(1), deployment.Status.ReadyReplicas
	if deployment.Spec.Replicas != nil {
		want = *deployment.Spec.Replicas
	}
	look := fmt.Sprintf("kubectl -n %s describe deployment %s; kubectl -n %s logs deployment/%s", deployment.Namespace, deployment.Name, deployment.Namespace, deployment.Name)
	switch {
	case ready == 0:
		found(fail(name, look, "none of %d replicas is ready: pods are created without their exporters", want))
	case ready < want:
		found(warn(name, look, "%d of %d replicas are ready", ready, want))
	case want == 1:
		found(warn(name, "webhook.replicas: 2.", "there is one replica: while it is replaced, pods are created without their exporters"))
	default:
		found(pass(name, "%d of %d replicas are ready", ready, want))
	}
	return true
}

// caBundles looks at what the API server trusts.
func caBundles(_ context.Context, p *Patient, found func(Finding)) bool {
	const name = "caBundle"
	wait := fmt.Sprintf("The controller writes it; look at its log: kubectl -n %s logs deployment/%s-controller.", p.installation.namespace, p.installation.fullname)
	good := true
	var until time.Time
	for i := range p.installation.config.Webhooks {
		w := &p.installation.config.Webhooks[i]
		if len(w.ClientConfig.CABundle) == 0 {
			found(fail(name, wait, "entry %s has none: the API server cannot trust the webhook", w.Name))
			good = false
			continue
		}
		authorities, err := cert.ParseCertsPEM(w.ClientConfig.CABundle)
		if err != nil {
			found(fail(name, wait, "entry %s: it cannot be read: %v", w.Name, err))
			good = false
			continue
		}
		for _, ca := range authorities {
			if until.IsZero() || ca.NotAfter.After(until) {
				until = ca.NotAfter
			}
		}
	}
	switch {
	case good && time.Now().After(until):
		found(fail(name, wait, "all of its authorities have expired, the last one at %s", until.Format(time.RFC3339)))
	case good:
		found(pass(name, "every entry has one; the last authority expires at %s", until.Format(time.RFC3339)))
	}
	return true
}

// certificate compares what the replicas serve with what the API server trusts.
func certificate(ctx context.Context, p *Patient, found func(Finding)) bool {
	const name = "certificate"
	pods, err := p.Client.CoreV1().Pods(p.installation.namespace).List(ctx, metav1.ListOptions{
		LabelSelector: Own + ",app.kubernetes.io/component=webhook",
	})
	if err != nil {
		found(warn(name, "", "the webhook's pods cannot be listed: %v", err))
		return true
	}
	dnsName := p.installation.service + "." + p.installation.namespace + ".svc"
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Status.Phase != corev1.PodRunning {
			continue
		}
		chain, err := servedBy(ctx, p, pod)
		if err != nil {
			found(warn(name, "", "pod %s: what it serves cannot be read: %v", pod.Name, err))
			continue
		}
		for j := range p.installation.config.Webhooks {
			if err := trusted(chain, p.installation.config.Webhooks[j].ClientConfig.CABundle, dnsName); err != nil {
				found(fail(name, fmt.Sprintf("kubectl -n %s logs %s; the controller repairs a caBundle automatically.", pod.Namespace, pod.Name),
					"pod %s serves a certificate that entry %s does not trust: %v", pod.Name, p.installation.config.Webhooks[j].Name, err))
				return true
			}
		}
		found(pass(name, "pod %s serves one that is trusted, until %s", pod.Name, chain[0].NotAfter.Format(time.RFC3339)))
	}
	return true
}

func trusted(chain []*x509.Certificate, bundle []byte, dnsName string) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: dnsName})
	return err
}

// dryRun has the API server make a pod that asks for an exporter, and throw it away.
func dryRun(ctx context.Context, p *Patient, found func(Finding)) bool {
	const name = "injection"
	no, yes := false, true
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "outrider-check-", Namespace: p.Namespace, Annotations: map[string]string{sidecars.InjectKey: "redis"}},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: &no,
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: &yes, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: "redis", Image: "redis:7",
				SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
			}},
		},
	}
	made, err := p.Client.CoreV1().Pods(p.Namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	switch {
	case apierrors.IsForbidden(err):
		found(warn(name, "Ask for permission to create pods there, or name another namespace with -n.", "a pod cannot be tried in namespace %s: %v", p.Namespace, err))
	case err != nil:
		found(fail(name, "", "a pod cannot be tried in namespace %s: %v", p.Namespace, err))
	case has(made, sidecars.ContainerPrefix+"redis"):
		found(pass(name, "a pod that asks for an exporter gets it (dry-run in namespace %s)", p.Namespace))
	case made.Annotations[sidecars.StatusKey] != "":
		found(warn(name, "Read it; try another namespace with -n.", "the webhook answers, and refuses: %s", made.Annotations[sidecars.StatusKey]))
	default:
		found(fail(name, unreachable, "a pod that asks for an exporter comes out without one, and unseen by the webhook (dry-run in namespace %s)", p.Namespace))
	}
	return true
}

// unreachable is what to do where all else is well and the API server still
// does not call us.
const unreachable = "Is the namespace excluded (webhook.excludedNamespaces)? Can the API server reach the controller's pods on port 10250? " +
	"In a private cluster its firewall must let the control plane in; then: kubectl get --raw /metrics | grep apiserver_admission_webhook_fail_open_count"

func has(pod *corev1.Pod, container string) bool {
	var names bytes.Buffer
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range list {
			names.WriteString(" " + list[i].Name + " ")
		}
	}
	return strings.Contains(names.String(), " "+container+" ")
}
