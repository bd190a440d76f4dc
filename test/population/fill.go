package population

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Filler makes the population of one API server.
type Filler struct {
	client     *kubernetes.Clientset
	namespaces []string
}

// NewFiller returns a Filler that spreads its pods over these namespaces, which exist.
func NewFiller(config *rest.Config, namespaces ...string) (*Filler, error) {
	config = rest.CopyConfig(config)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return &Filler{c, namespaces}, nil
}

func (f *Filler) namespace(i int) string { return f.namespaces[i/Replicas%len(f.namespaces)] }

// Fill creates the pods of the numbers from first up to, but not with, end: running and ready.
func (f *Filler) Fill(ctx context.Context, first, end int) error {
	since := time.Now().Add(-time.Hour)
	return each(ctx, first, end, func(ctx context.Context, i int) error {
		p, err := f.client.CoreV1().Pods(f.namespace(i)).Create(ctx, Pod(f.namespace(i), i), metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("create a pod: %w", err)
		}
		p.Status = Running(p, Address(i), since)
		if _, err := f.client.CoreV1().Pods(p.Namespace).UpdateStatus(ctx, p, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("set the status of a pod: %w", err)
		}
		return nil
	})
}

// Expose creates a Service and its EndpointSlice for each Deployment of these pods.
func (f *Filler) Expose(ctx context.Context, first, end int) error {
	return each(ctx, first/Replicas, (end+Replicas-1)/Replicas, func(ctx context.Context, d int) error {
		service, slice := exposed(f.namespace(d*Replicas), d*Replicas, end)
		if _, err := f.client.CoreV1().Services(service.Namespace).Create(ctx, service, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create a Service: %w", err)
		}
		if _, err := f.client.DiscoveryV1().EndpointSlices(slice.Namespace).Create(ctx, slice, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create an EndpointSlice: %w", err)
		}
		return nil
	})
}

// exposed are a Service without an address of its own, as there is nobody to route it, and the slice of its pods.
func exposed(ns string, first, end int) (*corev1.Service, *discoveryv1.EndpointSlice) {
	meta := metav1.ObjectMeta{Namespace: ns, Name: deployment(first), Labels: map[string]string{"app.kubernetes.io/name": deployment(first), "app.kubernetes.io/part-of": "shop"}}
	service := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
		ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{"app.kubernetes.io/name": deployment(first)},
		Ports: []corev1.ServicePort{{Name: "http", Port: 8080}},
	}}
	http, port, ready := "http", int32(8080), true
	slice := &discoveryv1.EndpointSlice{ObjectMeta: *meta.DeepCopy(), AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: &http, Port: &port}}}
	slice.Labels[discoveryv1.LabelServiceName] = service.Name
	slice.GenerateName, slice.Name = service.Name+"-", ""
	for i := first; i < min(first+Replicas, end); i++ {
		on := node(i % Nodes)
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			// An endpoint is never on the loopback network; nobody compares it with its pod's address.
			Addresses: []string{fmt.Sprintf("10.%d.%d.%d", 64+i>>16, i>>8&255, i&255)}, NodeName: &on,
			Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &ready},
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: ns, Name: name(i)},
		})
	}
	return service, slice
}

// Settle creates the nodes and the namespaces; those that exist stay.
func (f *Filler) Settle(ctx context.Context) error {
	for _, ns := range f.namespaces {
		_, err := f.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create a namespace: %w", err)
		}
	}
	for i := range Nodes {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node(i)}, Status: corev1.NodeStatus{
			Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("127.63.0.%d", i+1)}},
		}}
		if _, err := f.client.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create a node: %w", err)
		}
	}
	return nil
}

// each calls do for the numbers from first up to end, 32 at a time, until one fails.
func each(ctx context.Context, first, end int, do func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := range numbers {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := first; i < end && ctx.Err() == nil; i++ {
		numbers <- i
	}
	close(numbers)
	wg.Wait()
	return context.Cause(ctx)
}
