package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

// format is the version of CycloneDX that the common scanners read.
const format = cyclonedx.SpecVersion1_6

// bill is the program's bill of materials. There is no time and no serial number in it: the same program gives the same
// bytes.
func bill(p *program) *cyclonedx.BOM {
	b := cyclonedx.NewBOM()
	b.SerialNumber = ""
	b.Metadata = &cyclonedx.Metadata{Component: &cyclonedx.Component{
		BOMRef: p.pkg, Type: cyclonedx.ComponentTypeApplication, Name: p.name, Version: p.version,
		Licenses: &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "Apache-2.0"}}},
		Hashes:   &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: p.sum}},
	}}
	var components []cyclonedx.Component
	for _, m := range p.parts {
		c := cyclonedx.Component{
			BOMRef: m.url(), PackageURL: m.url(), Type: cyclonedx.ComponentTypeLibrary, Name: m.path, Version: m.version,
			Scope: cyclonedx.ScopeRequired,
		}
		if m.expression() != "" {
			c.Licenses = &cyclonedx.Licenses{{Expression: m.expression()}}
		}
		if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.sum, "h1:")); err == nil && m.sum != "" {
			c.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(raw)}}
		}
		components = append(components, c)
	}
	b.Components = &components
	return b
}

// url is the module's package URL.
func (p part) url() string { return "pkg:golang/" + p.path + "@" + url.QueryEscape(p.version) }

func write(path string, b *cyclonedx.BOM) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write bill of materials: %w", err)
	}
	if err := cyclonedx.NewBOMEncoder(f, cyclonedx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(b, format); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Close()
}
