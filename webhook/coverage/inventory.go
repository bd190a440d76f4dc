package coverage

import (
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/monitored"
)

// inventory is all that is known of the cluster's live pods.
type inventory struct {
	changed    func(Workload)         // called for each workload that must be looked at again
	nowOptedIn func(namespace string) // called when a namespace's pods should all be decided
	excluded   []string               // namespaces that never reach the webhook
	settings   sidecars.Settings      // say which namespaces are opted in

	mu         sync.Mutex
	pods       map[types.NamespacedName]*pod
	workloads  map[Workload]*workload
	containers map[types.NamespacedName]monitored.Containers // of the monitored pods
	optedIn    map[string]bool                               // by namespace
	sweeps     int64                                         // begun so far
}

// workload is a Workload with its pods.
type workload struct {
	Workload
	regarded corev1.ObjectReference // of one of the pods
	pods     []*pod
	verdicts map[string]verdict // by template
	rows     []Row
	reported map[topic]reported
}

// verdict is what would be decided now for a pod without a status.
type verdict struct {
	decisions []sidecars.Decision
	until     time.Time // when it must be asked for again; zero for never
}

func newInventory(excluded []string, settings sidecars.Settings) *inventory {
	return &inventory{
		nowOptedIn: func(string) {},
		excluded:   excluded,
		settings:   settings,
		pods:       map[types.NamespacedName]*pod{},
		workloads:  map[Workload]*workload{},
		containers: map[types.NamespacedName]monitored.Containers{},
		optedIn:    map[string]bool{},
	}
}

// setPod takes note of what a source says of a pod. One that is being deleted, or that is
// none of our business, is forgotten.
func (v *inventory) setPod(m *metav1.ObjectMeta, from sources) {
	key := types.NamespacedName{Namespace: m.Namespace, Name: m.Name}
	if m.DeletionTimestamp != nil || slices.Contains(v.excluded, m.Namespace) {
		v.dropPod(key)
		return
	}
	p, of := newPod(m), workloadOf(m)
	p.sources = from
	v.mu.Lock()
	defer v.mu.Unlock()
	p.sweep = v.sweeps
	before := v.pods[key]
	if before != nil {
		if from == swept && before.sources != swept {
			return // a watch has reported it since its page was listed, and reports its end
		}
		p.sources |= before.sources &^ swept
		if p.olderThan(before) {
			before.sources, before.sweep = p.sources, p.sweep
			return
		}
		if before.workload.Workload == of && before.same(p) {
			before.sources, before.sweep, before.version = p.sources, p.sweep, p.version
			return
		}
	}
	v.forget(key)
	if before != nil && before.workload.Workload != of {
		v.changed(before.workload.Workload) // it has one pod less
	}
	w := v.workloads[of]
	if w == nil {
		w = &workload{Workload: of}
		v.workloads[of] = w
	}
	w.regarded, p.workload = regarded(m), w
	w.pods = append(w.pods, p)
	v.pods[key] = p
	if before != nil || p.decided || p.candidate(v.optedIn[m.Namespace]) {
		v.changed(of)
	}
}

// same reports whether nothing changed that coverage depends on; a pod's
// metadata changes with every write of its status.
func (p *pod) same(o *pod) bool {
	return p.template == o.template && p.asks == o.asks && p.decided == o.decided && p.created.Equal(o.created) && slices.Equal(p.status, o.status)
}

func (v *inventory) dropPod(key types.NamespacedName) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.drop(key)
}

// drop forgets a pod; v.mu is held.
func (v *inventory) drop(key types.NamespacedName) {
	if p := v.forget(key); p != nil && len(p.entries) > 0 {
		v.changed(p.workload.Workload)
	}
}

// forget takes a pod out of its workload; the workload goes with its last pod,
// unless an event is yet to be written.
func (v *inventory) forget(key types.NamespacedName) *pod {
	p := v.pods[key]
	if p == nil {
		return nil
	}
	delete(v.pods, key)
	w := p.workload
	w.pods = slices.DeleteFunc(w.pods, func(o *pod) bool { return o == p })
	if len(w.pods) == 0 && len(w.rows) == 0 {
		delete(v.workloads, w.Workload)
	}
	return p
}

// olderThan reports whether another source has said something newer of the pod.
func (p *pod) olderThan(known *pod) bool {
	order, err := resourceversion.CompareResourceVersion(p.version, known.version)
	return err == nil && order < 0
}

// dropFrom takes note that a source no longer reports a pod, and forgets it if that was
// the last: one that becomes monitored, or ceases to be, goes from one watch to another,
// and either may be late.
func (v *inventory) dropFrom(key types.NamespacedName, of sources) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lose(key, of)
}

// lose is dropFrom; v.mu is held.
func (v *inventory) lose(key types.NamespacedName, of sources) {
	if known := v.pods[key]; known != nil {
		if known.sources &^= of; known.sources == 0 {
			v.drop(key)
		}
	}
}

// keepPods takes note that a source reports none but these of those that are among its pods.
func (v *inventory) keepPods(alive map[types.NamespacedName]bool, of sources, among func(types.NamespacedName, *pod) bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for key, p := range v.pods {
		if p.sources&of != 0 && !alive[key] && among(key, p) {
			v.lose(key, of)
		}
	}
}

// setContainers takes note of what the kubelet says of a monitored pod. One that has
// ended is forgotten, as it is among the pods.
func (v *inventory) setContainers(p *corev1.Pod) {
	if ended(p) {
		v.dropContainers(p)
		return
	}
	key := types.NamespacedName{Namespace: p.Namespace, Name: p.Name}
	now := monitored.ContainersOf(p)
	v.mu.Lock()
	defer v.mu.Unlock()
	if before, reported := v.containers[key]; reported && maps.Equal(before, now) {
		return
	}
	v.containers[key] = now
	if known := v.pods[key]; known != nil {
		v.changed(known.workload.Workload)
	}
}

func ended(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// container is what the kubelet reports of the exporter of an entry; v.mu is held.
func (v *inventory) container(namespace string, p *pod, e entry) monitored.Container {
	return v.containers[types.NamespacedName{Namespace: namespace, Name: p.name}][e.exporter]
}

func (v *inventory) dropContainers(p *corev1.Pod) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := types.NamespacedName{Namespace: p.Namespace, Name: p.Name}
	delete(v.containers, key)
	if known := v.pods[key]; known != nil && known.sources&scraped != 0 {
		v.lose(key, scraped)
		v.changed(known.workload.Workload) // also where another source still reports it
	}
}

// setNamespace takes note of whether a namespace is opted in.
func (v *inventory) setNamespace(name string, of sidecars.Namespace) {
	v.optIn(name, v.settings.OptedIn(of.Labels))
}

func (v *inventory) dropNamespace(name string, _ sidecars.Namespace) { v.optIn(name, false) }

// optIn looks at all workloads when a namespace's label changes, which is rare.
func (v *inventory) optIn(namespace string, yes bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.optedIn[namespace] == yes {
		return
	}
	if yes {
		v.optedIn[namespace] = true
		v.nowOptedIn(namespace)
	} else {
		delete(v.optedIn, namespace)
	}
	for of := range v.workloads {
		if of.Namespace == namespace {
			v.changed(of)
		}
	}
}

// recheck forgets all verdicts and has every workload looked at that has
// something to do with us.
func (v *inventory) recheck() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for of, w := range v.workloads {
		w.verdicts = nil
		if slices.ContainsFunc(w.pods, func(p *pod) bool { return p.decided || p.candidate(v.optedIn[of.Namespace]) }) {
			v.changed(of)
		}
	}
}
