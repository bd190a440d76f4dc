package monitors

import (
	"regexp"
	"strings"
)

const secretsFolder = "/etc/prometheus-secrets/"

// serviceAccountCA is public: each pod has it.
const serviceAccountCA = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"

// credentials refers to files where the Secrets' copies are mounted, and skips the endpoint where there are none.
func (t *translation) credentials(job map[string]any, at string, s scraping) {
	if s.BearerTokenFile != "" {
		t.problem(at+".bearerTokenFile", "%s is a file of Prometheus' own, which is not sent to targets; the endpoint is skipped; scrape.jobs has the cluster's own components", s.BearerTokenFile)
	}
	if len(s.OAuth2) > 0 {
		t.problem(at+".oauth2", "it needs a Secret, which is not read; the endpoint is skipped; %s", wayOut)
	}
	if b := s.BasicAuth; b != nil && (b.Username.Name != "" || b.Password.Name != "") {
		auth := map[string]any{}
		t.file(auth, "username_file", at+".basicAuth.username", &b.Username)
		t.file(auth, "password_file", at+".basicAuth.password", &b.Password)
		job["basic_auth"] = auth
	}
	token := map[string]any{}
	if a := s.Authorization; a != nil {
		t.file(token, "credentials_file", at+".authorization.credentials", a.Credentials)
		if a.Type != "" && len(token) > 0 {
			token["type"] = a.Type
		}
		if strings.EqualFold(a.Type, "basic") {
			t.problem(at+".authorization.type", "%q belongs into basicAuth; the endpoint is skipped", a.Type)
		}
	}
	t.file(token, "credentials_file", at+".bearerTokenSecret", s.BearerTokenSecret)
	if len(token) > 0 {
		job["authorization"] = token
		if job["basic_auth"] != nil {
			t.problem(at+".authorization", "there is basicAuth too; the endpoint is skipped; leave one of them out")
		}
	}
}

const wayOut = "write the job into prometheus.extraScrapeConfigSecret"

var fileName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,253}$`)

// file refers to the key of a Secret's copy.
func (t *translation) file(into map[string]any, key, at string, ref *secretKey) {
	if ref == nil || ref.Name == "" {
		return
	}
	original := t.o.Metadata.Namespace + "/" + ref.Name
	folder := t.options.Secrets[original]
	switch {
	case folder == "":
		t.problem(at, "Secret %s is not read; the endpoint is skipped; copy it to the namespace of the release and add it to scrape.monitors.secrets and prometheus.secrets, or %s", original, wayOut)
	case !fileName.MatchString(ref.Key) || strings.HasPrefix(ref.Key, ".."):
		t.problem(at+".key", "%q is no key of a Secret; the endpoint is skipped", ref.Key)
	default:
		into[key] = secretsFolder + folder + "/" + ref.Key
	}
}

// tls sets what needs no Secret. Prometheus refuses a job whose certificate's file is missing, so none is referred to.
func (t *translation) tls(job map[string]any, at string, c *tls) {
	if c == nil {
		return
	}
	own := map[string]any{}
	if c.InsecureSkipVerify != nil {
		own["insecure_skip_verify"] = *c.InsecureSkipVerify
	}
	if c.ServerName != "" {
		own["server_name"] = c.ServerName
	}
	if c.CAFile == serviceAccountCA {
		own["ca_file"] = serviceAccountCA
	} else if c.CAFile != "" {
		t.problem(at+".caFile", "%s is a file of Prometheus' own; the endpoint is skipped; %s", c.CAFile, wayOut)
	}
	refs := map[string]*secretKey{
		"ca.secret": c.CA.Secret, "ca.configMap": c.CA.ConfigMap, "cert.secret": c.Cert.Secret, "cert.configMap": c.Cert.ConfigMap, "keySecret": c.KeySecret,
	}
	for _, field := range sortedKeys(refs) {
		if ref := refs[field]; ref != nil && ref.Name != "" {
			t.problem(at+"."+field, "%s/%s is not read; the endpoint is skipped; %s", t.o.Metadata.Namespace, ref.Name, wayOut)
		}
	}
	for _, f := range []setting{{"certFile", c.CertFile}, {"keyFile", c.KeyFile}} {
		if f.value != "" {
			t.problem(at+"."+f.key, "%s is a file of Prometheus' own; the endpoint is skipped; %s", f.value, wayOut)
		}
	}
	if len(own) > 0 {
		job["tls_config"] = own
	}
}
