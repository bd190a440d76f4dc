package main

import (
	"fmt"
	"strings"
)

// platform is an operating system and an architecture, by Go's names.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// env has the go command build for the platform.
func (p platform) env() []string { return []string{"GOOS=" + p.os, "GOARCH=" + p.arch} }

// exe is the suffix of programs.
func (p platform) exe() string {
	if p.os == "windows" {
		return ".exe"
	}
	return ""
}

// platforms is a flag: OS/ARCH, separated by commas.
type platforms []platform

func everyCLI() platforms {
	var all platforms
	for _, os := range []string{"linux", "darwin", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			all = append(all, platform{os, arch})
		}
	}
	return all
}

func (p *platforms) String() string { return fmt.Sprint(*p) }

func (p *platforms) Set(s string) error {
	*p = nil
	for word := range strings.SplitSeq(s, ",") {
		os, arch, found := strings.Cut(word, "/")
		if !found {
			return fmt.Errorf("%q is not OS/ARCH", word)
		}
		*p = append(*p, platform{os, arch})
	}
	return nil
}
