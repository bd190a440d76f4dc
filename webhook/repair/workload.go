package repair

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars"
)

// restartedAtKey is the annotation of a pod template by which kubectl restarts a
// rollout. GitOps tools know it, and leave it where it is.
const restartedAtKey = "kubectl.kubernetes.io/restartedAt"

// restartable is a workload whose controller replaces its pods one after another.
type restartable struct {
	// Object is the Deployment, StatefulSet or DaemonSet, as it was read.
	Object client.Object
	// Template of its pods.
	Template *corev1.PodTemplateSpec
	// Leave says why it is never restarted by us; empty where it may be.
	Leave string
	// Wait says why it is not restarted now; empty where it may be.
	Wait string
	// Complete says that all pods there should be are there, of the latest
	// template, and available.
	Complete bool
}

// describe reads off a Deployment, StatefulSet or DaemonSet; nil for any other.
func describe(object client.Object) *restartable {
	r := &restartable{Object: object}
	switch o := object.(type) {
	case *appsv1.Deployment:
		want, s := replicas(o.Spec.Replicas), o.Status
		r.Template = &o.Spec.Template
		r.Complete = s.ObservedGeneration >= o.Generation && s.UpdatedReplicas == want && s.Replicas == want && s.AvailableReplicas == want
		if o.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
			r.Leave = "its strategy Recreate would end all its pods at once"
		}
		if rolling := o.Spec.Strategy.RollingUpdate; rolling != nil && atOnce(rolling.MaxUnavailable, want) {
			r.Leave = "its maxUnavailable would let all its pods end at once"
		}
		if o.Spec.Paused {
			r.Wait = "its rollout is paused"
		}
	case *appsv1.StatefulSet:
		want, s := replicas(o.Spec.Replicas), o.Status
		r.Template = &o.Spec.Template
		r.Complete = s.ObservedGeneration >= o.Generation && s.CurrentRevision == s.UpdateRevision && s.Replicas == want && s.ReadyReplicas == want && s.AvailableReplicas == want
		rolling := o.Spec.UpdateStrategy.RollingUpdate
		switch {
		case want == 1:
			r.Leave = "it has one pod, which a restart would take down"
		case o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
			r.Leave = "its update strategy is OnDelete: its pods are replaced when they are deleted by hand"
		case rolling != nil && rolling.Partition != nil && *rolling.Partition > 0:
			r.Leave = "its rolling update has a partition"
		}
	case *appsv1.DaemonSet:
		s := o.Status
		r.Template = &o.Spec.Template
		r.Complete = s.ObservedGeneration >= o.Generation && s.UpdatedNumberScheduled == s.DesiredNumberScheduled && s.NumberAvailable == s.DesiredNumberScheduled
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
			r.Leave = "its update strategy is OnDelete: its pods are replaced when they are deleted by hand"
		}
	default:
		return nil
	}
	if r.Wait == "" && !r.Complete {
		r.Wait = "its pods are not all there, up to date and available"
	}
	return r
}

// atOnce reports whether a rollout may take all pods away together.
func atOnce(most *intstr.IntOrString, want int32) bool {
	if most == nil {
		return false
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(most, int(want), false)
	return err != nil || n >= int(want)
}

func replicas(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}

// Protected returns why a budget keeps the workload's pods from being replaced
// now, or "".
func (r *restartable) protected(budgets []policyv1.PodDisruptionBudget) string {
	for i := range budgets {
		b := &budgets[i]
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil || !selector.Matches(labels.Set(r.Template.Labels)) {
			continue
		}
		if b.Status.DisruptionsAllowed < 1 {
			return fmt.Sprintf("its PodDisruptionBudget %s allows no disruption now", b.Name)
		}
	}
	return ""
}

// Fingerprint tells one template from another, whenever it was restarted.
func (r *restartable) fingerprint() string {
	template := r.Template.DeepCopy()
	template.Annotations = maps.Clone(template.Annotations)
	delete(template.Annotations, restartedAtKey)
	raw, err := json.Marshal(template)
	if err != nil {
		return "" // it was read from JSON
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// restartedAt is when it was last restarted, or zero.
func (r *restartable) restartedAt() time.Time {
	at, err := time.Parse(time.RFC3339, r.Template.Annotations[restartedAtKey])
	if err != nil {
		return time.Time{}
	}
	return at
}

// restartPatch restarts the rollout of the version that was judged, and of no
// later one.
func restartPatch(o client.Object, now time.Time) (client.Patch, error) {
	raw, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": o.GetResourceVersion()},
		"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": map[string]any{
			restartedAtKey: now.Format(time.RFC3339),
		}}}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode patch: %w", err)
	}
	return client.RawPatch(types.MergePatchType, raw), nil
}

// owner finds the workload behind the controller of a pod: the Deployment for a
// ReplicaSet. The chain holds every object on the way. Where the last one is no
// kind that can be restarted, the answer is nil and why says which it is.
func owner(ctx context.Context, reader client.Reader, namespace string, ref metav1.OwnerReference) (r *restartable, chain []client.Object, why string, err error) {
	for range 2 {
		object := kindOf(ref)
		if object == nil {
			return nil, chain, fmt.Sprintf("a %s is restarted by its own means", ref.Kind), nil
		}
		if err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, object); err != nil {
			return nil, chain, "", fmt.Errorf("get %s %s/%s: %w", ref.Kind, namespace, ref.Name, err)
		}
		chain = append(chain, object)
		above := metav1.GetControllerOf(object)
		if _, set := object.(*appsv1.ReplicaSet); !set {
			if above != nil {
				return nil, chain, fmt.Sprintf("%s %s manages it, and restarts it by its own means", above.Kind, above.Name), nil
			}
			return describe(object), chain, "", nil
		}
		if above == nil {
			break
		}
		ref = *above
	}
	return nil, chain, "a ReplicaSet without a Deployment has no rollout", nil
}

func kindOf(ref metav1.OwnerReference) client.Object {
	if ref.APIVersion != appsv1.SchemeGroupVersion.String() {
		return nil
	}
	switch ref.Kind {
	case "ReplicaSet":
		return &appsv1.ReplicaSet{}
	case "Deployment":
		return &appsv1.Deployment{}
	case "StatefulSet":
		return &appsv1.StatefulSet{}
	case "DaemonSet":
		return &appsv1.DaemonSet{}
	}
	return nil
}

// handsOff returns which of the objects says that nothing of ours may touch it.
func handsOff(objects ...client.Object) string {
	for _, o := range objects {
		if o.GetAnnotations()[sidecars.RepairKey] == sidecars.RepairNever {
			return fmt.Sprintf("%s says %s: %q", o.GetName(), sidecars.RepairKey, sidecars.RepairNever)
		}
	}
	return ""
}
