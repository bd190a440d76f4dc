// Package version is what both programs print about how they were built.
package version

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// cmd/build.sh sets them: the version, the commit, and the commit's date as RFC 3339. Without it they are empty, and what
// Go recorded of the module and its repository is taken.
var version, commit, date string

var imageDigest string // sha256:… of the controller's image; set by a release alone

// ImageDigest returns the digest of the controller's image of the same release, such as sha256:…; empty in a program that no
// release is made of.
func ImageDigest() string { return imageDigest }

// Version returns the version, such as 0.3.0; in a program that go build made, the module's.
func Version() string { return recorded().version }

// Line returns one line: program, version, commit and its date, Go, and the platform.
func Line(program string) string {
	b := recorded()
	return fmt.Sprintf("%s %s (commit %s, %s) %s %s/%s", program, b.version, b.commit, b.date, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

type build struct{ version, commit, date string }

func recorded() build {
	b := build{version, commit, date}
	if info, ok := debug.ReadBuildInfo(); ok {
		b = b.or(info)
	}
	return build{cmp.Or(b.version, "unknown"), cmp.Or(b.commit, "unknown"), cmp.Or(b.date, "date unknown")}
}

// or fills what the linker did not set with what Go recorded.
func (b build) or(info *debug.BuildInfo) build {
	b.version = cmp.Or(b.version, info.Main.Version)
	modified, stamped := "", b.commit != ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = cmp.Or(b.commit, s.Value)
		case "vcs.time":
			b.date = cmp.Or(b.date, s.Value)
		case "vcs.modified":
			if s.Value == "true" {
				modified = "-dirty"
			}
		}
	}
	if !stamped && b.commit != "" {
		b.commit += modified
	}
	return b
}
