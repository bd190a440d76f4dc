package main

import (
	"context"
	"errors"
)

func draw(ctx context.Context, file string, figures []figure) error { return errors.New("todo") }
