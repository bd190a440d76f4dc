package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// event is a line of go test -json (see go doc test2json).
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64 // seconds
}

// runTests runs the go command with these arguments, test -json among them, and calls take for each event. It returns an error
// where a test failed, where something did not compile and where the go command could not run.
func runTests(ctx context.Context, args []string, take func(event)) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	decoder := json.NewDecoder(out)
	for {
		var e event
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			return cmd.Wait()
		} else if err != nil {
			return errors.Join(fmt.Errorf("read go test -json: %w", err), cmd.Wait())
		}
		take(e)
	}
}
