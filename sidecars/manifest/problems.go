package manifest

import "errors"

// problems are errors that are reported together.
type problems []error

func (p *problems) add(errs ...error) { *p = append(*p, errs...) }

func (p problems) join() error { return errors.Join(p...) }
