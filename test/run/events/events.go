// Package events runs go test and hands out what becomes of each test while it runs.
package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Event is a line of go test -json (see go doc test2json).
type Event struct {
	Action, Package, Test, Output string
	Elapsed                       float64 // seconds
}

// Run runs the go command with these arguments, test -json among them, and calls take for each event. It returns an error
// where a test failed, where something did not compile and where the go command could not run.
func Run(ctx context.Context, args []string, take func(Event)) error {
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
		var e Event
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			return cmd.Wait()
		} else if err != nil {
			return errors.Join(fmt.Errorf("read go test -json: %w", err), cmd.Wait())
		}
		take(e)
	}
}
