// Command bom lists the modules that are linked into programs of this project, with their licenses, and writes a
// CycloneDX bill of materials for each:
//
//	bom -root PROJECT -out FOLDER -version v1.2.3 [-licenses FILE] PROGRAM...
//
// It ends with 1 where a license is neither in the list of those that are taken nor named for its module.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
)

func main() {
	root := flag.String("root", ".", "Folder of the project's go.mod.")
	out := flag.String("out", "", "Folder for the bills of materials; none are written without.")
	version := flag.String("version", "", "Version of the programs.")
	texts := flag.String("licenses", "", "File for the licenses of all modules, which must accompany the programs.")
	flag.Parse()
	if err := run(*root, *out, *version, *texts, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bom:", err)
		os.Exit(1)
	}
}

func run(root, out, version, texts string, programs []string) error {
	listed := map[string]part{}
	for _, path := range programs {
		p, err := read(root, path, version)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		for _, m := range p.parts {
			listed[m.path] = m
		}
		if out == "" {
			continue
		}
		if err := write(filepath.Join(out, filepath.Base(path)+".cdx.json"), bill(p)); err != nil {
			return err
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	refused := 0
	for _, m := range sorted(listed) {
		verdict := ""
		if why := m.refusal(); why != "" {
			verdict = "REFUSED: " + why
			refused++
		} else if excepted[m.path] != "" {
			verdict = "named"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.path, m.version, m.expression(), verdict)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if refused > 0 {
		return fmt.Errorf("the licenses of %d modules are not taken; see license.go", refused)
	}
	if texts == "" {
		return nil
	}
	return os.WriteFile(texts, notices(sorted(listed)), 0o644)
}

// notices are the licenses of all modules, each under its module's name.
func notices(parts []part) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		for _, t := range p.texts {
			fmt.Fprintf(&b, "==== %s %s: %s\n\n%s\n\n", p.path, p.version, t.file, t.text)
		}
	}
	return b.Bytes()
}
