package sidecars

import (
	"slices"
	"strings"
)

// Profile is how much of what an exporter serves is scraped and kept.
type Profile string

// The profiles. What Essential keeps of an exporter is what the chart's rules and
// dashboards ask for; of one for which they ask nothing it keeps all.
const (
	Full      Profile = "full" // the default
	Essential Profile = "essential"
)

// MostEssential is how many bytes of the list of a pod's jobs with the profile
// essential count: more than all exporters of the catalog have. Prometheus keeps a
// pattern of that length for each scrape job, and one that takes more where it is
// shorter than 500: a one-pass program.
const MostEssential = 512

// profileParameter is the parameter of every exporter for its profile.
const profileParameter = "profile"

func (p Profile) known() bool { return p == Full || p == Essential }

// said is what one annotation says of an exporter's profile.
type said struct{ value, where, key, origin string }

// profilesSaid are what the pod says of an exporter's profile, or of all, and what
// its namespace says, in the order in which they count.
func (p *planner) profilesSaid(exporter string) [4]said {
	return [...]said{
		{p.parameters[exporter][profileParameter], "", parameterKey(exporter, profileParameter), fromAnnotation},
		{p.Pod.Annotations[ProfileKey], "", ProfileKey, fromAnnotation},
		{p.defaults[exporter][profileParameter], inNamespace, parameterKey(exporter, profileParameter), fromNamespace},
		{p.Namespace.Annotations[ProfileKey], inNamespace, ProfileKey, fromNamespace},
	}
}

// profile of an exporter, and where it was found: Essential where the namespace has
// used up its series budget, and Full where nobody says any.
func (p *planner) profile(exporter string) (Profile, string) {
	if p.Exhausted {
		return Essential, fromBudget
	}
	for _, said := range p.profilesSaid(exporter) {
		if profile := Profile(said.value); profile.known() {
			return profile, said.origin
		}
	}
	return Full, fromDefault
}

// answerProfiles answers values that are no profile.
func (p *planner) answerProfiles(exporter string) {
	for _, said := range p.profilesSaid(exporter) {
		if p.Exhausted && said.value == string(Full) && said.origin == fromAnnotation {
			p.ignore(said.key, BudgetExhausted, "%s: %s has no effect: the namespace has used up its budget of series (%s), so that new pods have the profile %s", said.key, Full, BudgetKey, Essential)
			return
		}
		answered := slices.ContainsFunc(p.ignored, func(d Decision) bool { return d.Key == shorten(said.key) })
		if said.value != "" && !Profile(said.value).known() && !answered {
			p.ignore(said.key, BadValue, "%s%s: %q is neither %s nor %s; it has no effect", said.where, said.key, shorten(said.value), Essential, Full)
		}
	}
}

// essentials is the annotation that tells Prometheus of which jobs it keeps the
// essential metrics only, or "".
func (p *planner) essentials() string {
	var jobs []string
	for _, d := range p.Decisions {
		switch {
		case d.Profile == Essential:
			jobs = append(jobs, d.Exporter)
		case d.Key == ScrapeKey && d.Outcome == Discovered:
			for endpoint := range strings.SplitSeq(p.Pod.Annotations[ScrapeKey], ",") {
				job, _, named := strings.Cut(strings.TrimSpace(endpoint), "=")
				if profile, _ := p.profile(job); named && profile == Essential {
					jobs = append(jobs, job)
				}
			}
		}
	}
	slices.Sort(jobs)
	list := strings.Join(slices.Compact(jobs), ",")
	if len(list) > MostEssential { // those that fit
		list = list[:strings.LastIndexByte(list[:MostEssential+1], ',')]
	}
	return list
}
