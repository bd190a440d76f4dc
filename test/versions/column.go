package main

import (
	"path"
	"strings"
)

// columns of the table, in their order.
var columns = []string{"corpus", "webhook", "Exporters", "policies", "injection by policies", "presets", "releases", "certificates", "rest"}

// byPackage are the columns of whole packages.
var byPackage = map[string]string{"certificates": "certificates", "enforcement": "policies", "policy": "injection by policies"}

// byTest are those of tests of the others.
var byTest = map[string]string{
	"TestCorpus": "corpus",

	"TestPodsThatDidNotAskNeverReachTheWebhook": "webhook",
	"TestReadyMeansTrusted":                     "webhook",

	"TestGoodExportersAreLetIn":       "Exporters",
	"TestBadExportersAreRefused":      "Exporters",
	"TestBuiltinExportersAreLetIn":    "Exporters",
	"TestExportersAreListedWell":      "Exporters",
	"TestCustomExporter":              "Exporters",
	"TestBadOverrideLeavesTheBuiltin": "Exporters",
	"TestDefinitionMayBeMissing":      "Exporters",

	"TestDecidedPodsCostNoCall":         "injection by policies",
	"TestLeftWithoutAWebhook":           "injection by policies",
	"TestExporterThatCannotBeExpressed": "injection by policies",
	"TestSuspensionReachesThePolicies":  "injection by policies",

	"TestPresetsApply": "presets",

	"TestExportersOutliveTheRelease":  "releases",
	"TestUpgradeFromThePreviousChart": "releases",
}

// column says where a test is counted.
func column(pkg, test string) string {
	if c := byPackage[path.Base(pkg)]; c != "" {
		return c
	}
	top, _, _ := strings.Cut(test, "/")
	if c := byTest[top]; c != "" {
		return c
	}
	return "rest"
}
