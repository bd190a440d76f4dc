// Command gather adds what a component exposes to its list in test/metrics/testdata:
//
//	go run ./test/metrics/gather redis http://127.0.0.1:9121/metrics
//	curl -sk --cert ... https://127.0.0.1:6443/metrics | go run ./test/metrics/gather apiserver -
//
// A new list gets a first line that says so much; who knows more about its origin writes it there.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/outrider-dev/outrider/test/metrics"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run ./test/metrics/gather COMPONENT URL (or - for standard input), in the repository's root")
		os.Exit(2)
	}
	if err := gather(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "gather:", err)
		os.Exit(1)
	}
}

func gather(component, source string) error {
	in, err := open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	seen, err := metrics.Parse(in)
	if err != nil {
		return err
	}
	if len(seen) == 0 {
		return fmt.Errorf("%s has no metrics", source)
	}
	file := filepath.Join("test", "metrics", "testdata", component+".txt")
	comment, set := "# Seen at /metrics of "+component+".\n", metrics.Set{}
	have, err := os.Open(file)
	switch {
	case err == nil:
		defer have.Close()
		if comment, set, err = metrics.Read(have); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open the list: %w", err)
	}
	set.Add(seen)
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("open the list: %w", err)
	}
	return errors.Join(set.Write(out, comment), out.Close())
}

func open(source string) (io.ReadCloser, error) {
	if source == "-" {
		return os.Stdin, nil
	}
	response, err := http.Get(source)
	if err != nil {
		return nil, fmt.Errorf("get the metrics: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("get the metrics: %s answers %s", source, response.Status)
	}
	return response.Body, nil
}
