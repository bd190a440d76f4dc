// The program that lists what the two binaries are made of. Its libraries are its own: nothing else needs them.
module github.com/outrider-dev/outrider/test/supply/bom

go 1.26.0

require (
	github.com/CycloneDX/cyclonedx-go v0.12.0
	github.com/google/licensecheck v0.3.1
)
