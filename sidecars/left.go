package sidecars

// RequestedByPolicy is the value of the label RequestedKey on a pod that the API
// server's policies decided. On a pod that they left to the webhook it is the word
// for why, which Left explains.
const RequestedByPolicy = "policy"

// lefts are the words for why the policies leave a pod to the webhook, with what
// they mean. The policies choose the word; the texts reach them as data.
var lefts = map[string]string{
	"NoData":              "the controller has not written the exporters yet",
	"NotRecognized":       "auto recognized none of its containers; name the exporter in outrider.dev/inject",
	"SeveralExporters":    "auto recognized several; name one in outrider.dev/inject",
	"Words":               "outrider.dev/inject names none, or several; name one",
	"NotExpressed":        "its definition cannot be expressed as a policy; see the condition Expressed of the Exporter",
	"Scrape":              "outrider.dev/scrape has several endpoints, or stands beside what is known of them; write one",
	"Suspended":           "its injection is suspended",
	"Budget":              "the namespace has a quota, or a LimitRange that would change it",
	"NamespaceAnnotation": "an annotation of the namespace sets a default or a list",
	"Mesh":                "it already lists ports that its service mesh leaves out",
	"Annotation":          "an annotation under outrider.dev is unknown or has a bad value",
	"Size":                "the pod is very large",
	"Own":                 "it already has a container, volume or label of Outrider",
	"Pod":                 "a mirror pod, or one in the network of its node",
	"OperatingSystem":     "its node may not run Linux",
	"Owner":               "its owner deletes pods that differ, or the exporter is for one pod of a set",
	"Exporter":            "it already has an exporter",
	"PortCollision":       "the port of the exporter is taken",
	"Server":              "several containers could be the server, or none",
	"Image":               "the image of the server has a name that is not understood",
	"CommandLine":         "a setting may be in a script or in several words of one argument; set it by annotation",
	"Variable":            "a variable with a setting refers to another, or is set twice",
	"Flag":                "a flag of the server has a value that is put together elsewhere",
	"Ports":               "the server declares several ports; name one by annotation",
	"Required":            "a setting that the exporter needs is not shown; set it by annotation",
	"Volume":              "it needs a volume or a Secret of its own",
	"Obstacle":            "the server is set up in a way that the exporter cannot work with",
	"Account":             "its account is not shown by a reference to a Secret; name one: <exporter>.outrider.dev/secret: NAME/KEY",
}

// leftAlone ends what is said of a pod that is left where there is no webhook.
const leftAlone = "; there is no webhook to decide it (webhook.mode: policy): outrider explain -f says what it would do, and outrider inject does it in the manifest"

// Left explains the word for why the API server's policies leave a pod to the
// webhook, or returns "" for RequestedByPolicy and anything else that is none.
// Where there is no webhook to decide it, alone, it also says what to do.
func Left(word string, alone bool) string {
	text := lefts[word]
	if text == "" || !alone {
		return text
	}
	return text + leftAlone
}
