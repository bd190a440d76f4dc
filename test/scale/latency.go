package main

import (
	"context"
	"errors"
	"io"
)

func latency(ctx context.Context, w io.Writer) error { return errors.New("todo") }
