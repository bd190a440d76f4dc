package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// taken are the licenses that ask for no more than that they are passed on.
var taken = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

// excepted are modules under other licenses too, which were looked at one by one. All four come with Helm and are in the
// command line alone: their files are used as they are, which is all that the MPL asks about; and what CC-BY-SA is for
// are the documents of its module.
var excepted = map[string]string{
	"github.com/cyphar/filepath-securejoin": "BSD-3-Clause AND MPL-2.0",
	"github.com/hashicorp/errwrap":          "MPL-2.0",
	"github.com/hashicorp/go-multierror":    "MPL-2.0",
	"github.com/opencontainers/go-digest":   "Apache-2.0 AND CC-BY-SA-4.0",
}

var licenseFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)([-._].*)?$`)

// noticeFile is what the Apache license asks to pass on beside itself.
var noticeFile = regexp.MustCompile(`(?i)^notice([-._].*)?$`)

// least is the share of a file, in percent, that must be a known license: some say above it whose code it is for.
const least = 70

// license reads the licenses of a module: those in its folder and those beside or above any of its linked packages.
func (p *part) license(root string, packages []string) error {
	folders := map[string]bool{root: true}
	for _, dir := range packages {
		for ; strings.HasPrefix(dir, root) && !folders[dir]; dir = filepath.Dir(dir) {
			folders[dir] = true
		}
	}
	for dir := range folders {
		files, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("find the license of %s: %w", p.path, err)
		}
		for _, f := range files {
			license := licenseFile.MatchString(f.Name())
			if f.IsDir() || !license && !noticeFile.MatchString(f.Name()) || filepath.Ext(f.Name()) == ".go" {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				return fmt.Errorf("read the license of %s: %w", p.path, err)
			}
			name := strings.TrimPrefix(filepath.Join(dir, f.Name()), root+string(filepath.Separator))
			if license {
				p.recognize(name, text)
			}
			p.texts = append(p.texts, notice{name, strings.TrimSpace(string(text))})
		}
	}
	slices.SortFunc(p.texts, func(a, b notice) int { return strings.Compare(a.file, b.file) })
	slices.Sort(p.licenses)
	p.licenses = slices.Compact(p.licenses)
	slices.Sort(p.unknown)
	return nil
}

func (p *part) recognize(file string, text []byte) {
	found := licensecheck.Scan(text)
	if found.Percent < least {
		p.unknown = append(p.unknown, fmt.Sprintf("%s (%.0f %% known)", file, found.Percent))
	}
	for _, m := range found.Match {
		if !m.IsURL {
			p.licenses = append(p.licenses, m.ID)
		}
	}
}

// expression is what SPDX calls the licenses together: all of them apply.
func (p part) expression() string { return strings.Join(p.licenses, " AND ") }

// refusal says why the module's licenses are not taken, or nothing.
func (p part) refusal() string {
	if len(p.unknown) > 0 {
		return "unknown: " + strings.Join(p.unknown, ", ")
	}
	if len(p.licenses) == 0 {
		return "no license"
	}
	if excepted[p.path] == p.expression() {
		return ""
	}
	for _, l := range p.licenses {
		if !slices.Contains(taken, l) {
			return l
		}
	}
	return ""
}
