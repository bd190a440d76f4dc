package usage

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/events"
)

// level is how much of its budget a namespace uses.
type level string

const (
	within    level = ""
	near      level = "near"      // 80 % or more
	exhausted level = "exhausted" // above it, and not surely below 80 % since
)

// nearPercent of its budget is near.
const nearPercent = 80

// levelAfter is how much of its budget a namespace uses that was at a level before. It
// rises by the series of now, and falls by those of lately. What is not counted is within.
func levelAfter(before level, of *count, most int) level {
	below := func(series int) bool { return int64(series)*100 < int64(most)*nearPercent }
	switch {
	case of == nil:
		return within
	case of.now > most:
		return exhausted
	case below(of.now) && (before == within || below(of.lately)):
		return within
	case before == exhausted:
		return exhausted
	}
	return near
}

// retryAfter is the time until another try where the first one failed.
const retryAfter = 5 * time.Second

// Start counts until the context ends; it implements manager.Runnable, and runs on the
// leader alone.
func (u *Usage) Start(ctx context.Context) error {
	log := ctrl.LoggerFrom(ctx).WithName("usage")
	u.mu.Lock()
	u.budgets = map[string]budget{}
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.budgets = nil // another one's word counts now
	}()
	synced, err := u.namespaces.Follow(u.setNamespace, u.dropNamespace)
	if err != nil {
		return err
	}
	if !toolscache.WaitForCacheSync(ctx.Done(), synced, u.synced) {
		return nil
	}
	failed := false
	for {
		err := u.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !failed && !apierrors.IsConflict(err) {
			log.Error(err, "count series against budgets")
		}
		failed = err != nil
		wait := u.Interval
		if failed {
			wait = min(wait, retryAfter)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// setNamespace takes note of a namespace's budget.
func (u *Usage) setNamespace(name string, of sidecars.Namespace) {
	most, err := sidecars.SeriesBudget(of.Annotations)
	u.mu.Lock()
	defer u.mu.Unlock()
	switch before, known := u.budgets[name]; {
	case u.budgets == nil:
	case most == 0 && err == nil:
		delete(u.budgets, name)
	case err != nil:
		after := budget{wrong: err.Error()}
		if before.wrong == after.wrong {
			after.said = before.said
		}
		u.budgets[name] = after
	default:
		if !known && u.exhausted[name] {
			before.level = exhausted // by another leader
		}
		before.most, before.wrong = most, ""
		u.budgets[name] = before
	}
}

func (u *Usage) dropNamespace(name string, _ sidecars.Namespace) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.budgets, name)
}

// round asks once, stores which budgets are used up, and tells of what has changed.
func (u *Usage) round(ctx context.Context) error {
	u.mu.Lock()
	all := maps.Clone(u.budgets)
	u.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if b := all[name]; b.wrong == "" {
			names = append(names, name)
		}
	}
	counted := map[string]*count{}
	if u.Prometheus != nil && len(names) > 0 {
		var err error
		if counted, err = u.ask(ctx, names); err != nil {
			return err
		}
	}
	var used []string
	for name, b := range all {
		b.counted, b.level = counted[name], levelAfter(b.level, counted[name], b.most)
		if b.level == exhausted {
			used = append(used, name)
		}
		all[name] = b
	}
	slices.Sort(used)
	cm, err := u.Store.Get(ctx)
	if err != nil {
		return err
	}
	if err := u.Store.Put(ctx, cm, dataKey, strings.Join(used, "\n")); err != nil {
		return err
	}
	for name, b := range all {
		u.record(ctx, name, b)
	}
	return nil
}

// record writes an event where something else is to be said of a namespace than
// before, and stores the budget.
func (u *Usage) record(ctx context.Context, name string, b budget) {
	var share string
	if b.counted != nil {
		share = fmt.Sprintf("%d of the %d series of %s", b.counted.now, b.most, sidecars.BudgetKey)
	}
	var due events.Event
	var text string
	switch {
	case b.wrong != "":
		due, text = events.SeriesBudgetIgnored, b.wrong
	case b.counted == nil:
		due, text = events.SeriesBudgetIgnored, fmt.Sprintf("%s has no effect: the controller asks no Prometheus; set controller.prometheusURL of the chart", sidecars.BudgetKey)
	case b.level == near:
		due, text = events.SeriesBudgetNearlyUsed, fmt.Sprintf("the exporters have %s; above that, new pods get the profile %s. %s", share, sidecars.Essential, largest(b.counted.jobs))
	case b.level == exhausted:
		due, text = events.SeriesBudgetExhausted, fmt.Sprintf("the exporters have %s: new pods get the profile %s until less than %d %% is used. %s. Running pods get it when they are created again", share, sidecars.Essential, nearPercent, largest(b.counted.jobs))
	case b.said != "":
		due, text = events.SeriesBudgetRestored, fmt.Sprintf("the exporters have %s: new pods get the profile that they ask for", share)
	}
	if b.said != due.Reason && due.Reason != "" {
		due.Record(u.events, u.reference(ctx, name), "%s", text)
		ctrl.LoggerFrom(ctx).Info("budget of series", "namespace", name, "reason", due.Reason, "note", text)
	}
	b.said = due.Reason
	if due.Reason == events.SeriesBudgetRestored.Reason {
		b.said = ""
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if now, still := u.budgets[name]; still && now.most == b.most && now.wrong == b.wrong {
		u.budgets[name] = b
	}
}

// reference is a namespace as the object of an event that stands in it, for those who
// may read no others.
func (u *Usage) reference(ctx context.Context, name string) *corev1.ObjectReference {
	found := &metav1.PartialObjectMetadata{}
	found.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	_ = u.reader.Get(ctx, client.ObjectKey{Name: name}, found) // without its UID the event is still found by name
	return &corev1.ObjectReference{APIVersion: "v1", Kind: "Namespace", Name: name, Namespace: name, UID: found.UID}
}

// largest names the three jobs with the most series.
func largest(jobs map[string]int) string {
	names := slices.SortedFunc(maps.Keys(jobs), func(a, b string) int { return cmp.Or(cmp.Compare(jobs[b], jobs[a]), cmp.Compare(a, b)) })
	var parts []string
	for _, name := range names[:min(3, len(names))] {
		parts = append(parts, fmt.Sprintf("%s %d", name, jobs[name]))
	}
	return "The most have " + strings.Join(parts, ", ")
}
