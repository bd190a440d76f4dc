package certs

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// caBundleSyncer is the leader of mode secret: it writes the Secret's ca.crt into the
// caBundle. It may not write the Secret, so it remembers since when it
// has seen the CAs that are to leave; another leader starts again.
type caBundleSyncer struct {
	Options
	metrics   *Metrics
	apiReader client.Reader
	writer    client.Writer
	now       func() time.Time

	last   []*x509.Certificate // what ca.crt held
	others map[string]time.Time
}

func (t *caBundleSyncer) reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	again, err := t.keep(ctx)
	if stale(err) {
		return reconcile.Result{RequeueAfter: firstRetryGap}, nil
	}
	if err != nil {
		t.metrics.failures.Inc()
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: again}, nil
}

func (t *caBundleSyncer) keep(ctx context.Context) (time.Duration, error) {
	var secret corev1.Secret
	if err := t.apiReader.Get(ctx, t.key(), &secret); err != nil {
		return 0, fmt.Errorf("get secret: %w", err)
	}
	own := readBundle(secret.Data[trustedCert])
	if len(own) == 0 {
		return 0, fmt.Errorf("secret %s has no usable %s: put the certificate of the authority that signed %s there, by which the API server is to trust it", t.key(), trustedCert, corev1.TLSCertKey)
	}
	config, err := readConfiguration(ctx, t.apiReader, t.Options)
	if err != nil || config == nil {
		return 0, err
	}
	repair := len(t.last) > 0 && sameSet(t.last, own) && slices.ContainsFunc(own, func(c *x509.Certificate) bool { return !trustedByAll(config, c) })
	trusted, again := t.keepOthers(own, present(config))
	wrote, err := writeTrust(ctx, t.writer, config, trusted)
	if err != nil {
		return 0, err
	}
	if wrote && repair {
		t.metrics.repairs.Inc()
	}
	if t.last = own; wrote {
		ctrl.LoggerFrom(ctx).Info("caBundle written", "webhookConfiguration", t.WebhookConfiguration, "authorities", len(trusted), "repair", repair)
	}
	return again, nil
}

// keepOthers adds those that a caBundle holds beside ours and that have not been
// seen for the life of a certificate: replicas may serve what they signed. It
// returns when the next one leaves, zero for never.
func (t *caBundleSyncer) keepOthers(own, present []*x509.Certificate) (trusted []*x509.Certificate, again time.Duration) {
	now, seen := t.now(), map[string]time.Time{}
	for _, c := range present {
		name := fingerprint(c)
		if slices.ContainsFunc(own, c.Equal) || !c.IsCA || len(seen) >= mostForeignCAs {
			continue
		}
		since, known := t.others[name]
		if !known {
			since = now
		}
		if left := min(since.Add(t.ServingLife).Sub(now), c.NotAfter.Sub(now)); left > 0 {
			seen[name] = since
			trusted = append(trusted, c)
			if again == 0 || left < again {
				again = left
			}
		}
	}
	t.others = seen
	return append(own, trusted...), again
}
