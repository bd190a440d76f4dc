package manifest

import (
	"fmt"
	"slices"

	"gomodules.xyz/jsonpatch/v2"

	"github.com/outrider-dev/outrider/sidecars"
)

// Inject adds to each template what is decided for it, and returns the plans in
// the order of the templates. An error names every object to which nothing can
// be added.
func (s *Set) Inject() ([]sidecars.Plan, error) {
	plans := make([]sidecars.Plan, len(s.Templates))
	patches := map[*Template][]jsonpatch.Operation{}
	for i, t := range s.Templates {
		plans[i] = s.Plan(t)
		if patch := plans[i].Patch(); len(patch) > 0 {
			patches[t] = patch
		}
	}
	err := s.byDocument(func(stream *Stream, d *document, some []*Template) error {
		var additions []addition
		for _, t := range some {
			if patches[t] == nil {
				continue
			}
			g, err := growthOf(patches[t])
			if err != nil {
				return err
			}
			additions = append(additions, addition{t, g})
		}
		if len(additions) == 0 {
			return nil
		}
		return stream.insertAll(d, additions)
	})
	return plans, err
}

// Remove takes out of each template what Outrider has added, and returns those
// in which there was any.
func (s *Set) Remove() ([]*Template, error) {
	var changed []*Template
	err := s.byDocument(func(stream *Stream, d *document, some []*Template) error {
		var removals []removal
		for _, t := range some {
			if losses := lossesOf(t, sidecars.Remove(t.Pod)); len(losses) > 0 {
				removals = append(removals, removal{t, losses})
				changed = append(changed, t)
			}
		}
		if len(removals) == 0 {
			return nil
		}
		return stream.removeAll(d, removals)
	})
	return changed, err
}

// byDocument calls do with the templates of one document after the other.
func (s *Set) byDocument(do func(*Stream, *document, []*Template) error) error {
	var errs problems
	for templates := s.Templates; len(templates) > 0; {
		first := templates[0]
		count := slices.IndexFunc(templates, func(t *Template) bool { return t.in != first.in })
		if count < 0 {
			count = len(templates)
		}
		if err := do(first.stream, first.in, templates[:count]); err != nil {
			errs.add(fmt.Errorf("%s: %w", first.At(first.object), err))
		}
		templates = templates[count:]
	}
	return errs.join()
}
