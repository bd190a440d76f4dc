package sidecars

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// The grammar of texts in a definition, as the CRD has it: what the API server
// refuses is refused from a file too.
var (
	imageTag     = regexp.MustCompile(`^[^@: ]+(:[0-9]+/[^@: ]+)?:[a-zA-Z0-9_][a-zA-Z0-9_.-]*$`)
	imageDigest  = regexp.MustCompile(`^[^@: ]+(:[0-9]+/[^@: ]+)?(:[a-zA-Z0-9_][a-zA-Z0-9_.-]*)?@sha256:[0-9a-f]{64}$`)
	seriesName   = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	imageName    = regexp.MustCompile(`^[a-z0-9]+([._-]+[a-z0-9]+)*$`)
	taggedImage  = regexp.MustCompile(`^([a-z0-9]+([._-]+[a-z0-9]+)*|\*):[a-z0-9]+$`)
	programName  = regexp.MustCompile(`^[-._a-zA-Z0-9]+$`)
	variableName = regexp.MustCompile(`^[-._a-zA-Z][-._a-zA-Z0-9]*$`)
	oneLine      = regexp.MustCompile(`^[^\n]+$`)
	assignment   = regexp.MustCompile(`^[-._a-zA-Z][-._a-zA-Z0-9]*=[^\n]*$`)
)

// validateTexts checks the grammar of a definition's texts.
func validateTexts(spec v1alpha1.ExporterSpec, bad *problems) {
	if image := spec.Image; image != "" && !imageDigest.MatchString(image) && (!imageTag.MatchString(image) || strings.HasSuffix(image, ":latest")) {
		bad.add("spec.image", "%q: the image must be pinned: a tag other than latest, or a sha256 digest", image)
	}
	if spec.UpMetric != "" && !seriesName.MatchString(spec.UpMetric) {
		bad.add("spec.upMetric", "%q is not the name of a series", spec.UpMetric)
	}
	validateRecognition(spec.Recognize, bad)
}

// validateRecognition checks the words by which workloads are recognized: a
// policy of the API server has them as lines of lists.
func validateRecognition(r v1alpha1.Recognition, bad *problems) {
	for _, list := range []struct {
		field string
		words []string
		form  *regexp.Regexp
	}{
		{"images", r.Images, imageName}, {"tagged", r.Tagged, taggedImage}, {"exporters", r.Exporters, imageName},
		{"commands", r.Commands, programName}, {"notCommands", r.NotCommands, programName},
		{"env", r.Env, variableName}, {"notArgs", r.NotArgs, oneLine}, {"notEnv", r.NotEnv, assignment},
	} {
		for i, word := range list.words {
			if !list.form.MatchString(word) {
				bad.add(fmt.Sprintf("spec.recognize.%s[%d]", list.field, i), "%q must match %s", word, list.form)
			}
		}
	}
	for i, port := range slices.Concat(r.Ports, r.NotPorts) {
		if port < 1 || port > 65535 {
			bad.add("spec.recognize", "port %d of ports and notPorts is no port number (item %d)", port, i)
		}
	}
}
