package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/outrider-dev/outrider/sidecars"
)

// reviewUID stands in the captured review for the one that the API server made up.
const reviewUID = "705ab4f5-6393-11e8-b7cc-42010a800002"

var reviewType = metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}

// capturing is the configuration that catches it. Its name sorts before the chart's.
const capturing = "0-capture"

// captured is where the review of one namespace's pods is caught.
const captured = "shop"

// capture returns the AdmissionReview that the API server sends for an annotated
// pod of a ReplicaSet.
func (s *stage) capture(ctx context.Context) ([]byte, error) {
	bodies := make(chan []byte, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var review admissionv1.AdmissionReview
		if err != nil || json.Unmarshal(body, &review) != nil || review.Request == nil {
			http.Error(w, "no AdmissionReview", http.StatusBadRequest)
			return
		}
		select {
		case bodies <- bytes.ReplaceAll(body, []byte(review.Request.UID), []byte(reviewUID)):
		default: // one is enough
		}
		newEcho(review.Request.UID).ServeHTTP(w, r)
	}))
	server.StartTLS()
	defer server.Close()
	if err := s.makeNamespace(ctx, captured, nil); err != nil {
		return nil, err
	}
	// By its name it is called before the others, and sees the pod as it was sent.
	if err := s.configure(ctx, capturing, address{server.URL, encodeCertificate(server.Certificate())}, func(w *webhookEntry) {
		w.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": captured}}
	}); err != nil {
		return nil, err
	}
	config := s.api.Config()
	config.UserAgent, config.Impersonate = "kube-controller-manager/v1.37.2 (linux/amd64)", rest.ImpersonationConfig{UserName: "system:serviceaccount:kube-system:replicaset-controller"}
	controller, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	pod := newPod(captured, nil, map[string]string{sidecars.InjectKey: "redis"})
	var body []byte
	err = eventually(ctx, "an AdmissionReview", func(ctx context.Context) (string, error) {
		if _, err := controller.CoreV1().Pods(captured).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			return err.Error(), nil
		}
		select {
		case body = <-bodies:
			return "", nil
		default:
			return "the webhook was not called yet", nil
		}
	})
	if err != nil {
		return nil, err
	}
	if err := s.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Delete(ctx, capturing, metav1.DeleteOptions{}); err != nil {
		return nil, fmt.Errorf("delete the capturing webhook's configuration: %w", err)
	}
	return body, nil
}
