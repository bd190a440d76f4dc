package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-logr/logr"
)

// reloader tells a server beside it that its configuration has changed.
// Alertmanager and Thanos' ruler do not look by themselves.
type reloader struct {
	// Files are the configuration: files, and folders whose files are read. They are
	// read again every Interval.
	Files []string
	// URL is what a POST goes to, in this pod.
	URL string
	// User and PasswordFile log in, where the server asks for that. Default none.
	User, PasswordFile string
	// Interval between two looks at the files. Default 10s.
	Interval time.Duration

	log logr.Logger
	// sent is the content that the server was last sent and has loaded or refused.
	sent [sha256.Size]byte
}

// runReload is the subcommand reload: it ends with the process.
func runReload(ctx context.Context, args []string, log logr.Logger) error {
	r := reloader{log: log}
	fs := flag.NewFlagSet("reload", flag.ExitOnError)
	fs.Func("file", "Configuration that is watched, a file or a folder of files; repeatable.", func(path string) error {
		r.Files = append(r.Files, path)
		return nil
	})
	fs.StringVar(&r.URL, "url", "", "Address that a POST goes to when it has changed.")
	fs.StringVar(&r.User, "user", "", "User to log in as.")
	fs.StringVar(&r.PasswordFile, "password-file", "", "File with the user's password.")
	fs.DurationVar(&r.Interval, "interval", 10*time.Second, "Time between two looks at the files.")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if len(r.Files) == 0 || r.URL == "" {
		return fmt.Errorf("reload: --file and --url are required")
	}
	r.run(ctx)
	return nil
}

func (r *reloader) run(ctx context.Context) {
	tick := time.NewTicker(r.Interval)
	defer tick.Stop()
	for {
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.log.Error(err, "configuration not reloaded", "files", r.Files)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look has the server load a content that it was not sent yet. What it refuses is
// sent once; what does not reach it is sent again.
func (r *reloader) look(ctx context.Context) error {
	sum, err := r.read()
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	if sum == r.sent {
		return nil
	}
	status, answer, err := r.post(ctx)
	if err != nil {
		return err
	}
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return fmt.Errorf("ask for a reload: the server says %d: %s", status, answer)
	}
	r.sent = sum
	if status != http.StatusOK {
		return fmt.Errorf("the server keeps its old configuration: %s", answer)
	}
	r.log.Info("configuration reloaded", "files", r.Files)
	return nil
}

// read sums up what the files contain. What a kubelet keeps in a folder beside them begins
// with two dots.
func (r *reloader) read() (sum [sha256.Size]byte, err error) {
	all := sha256.New()
	add := func(path string) error {
		content, err := os.ReadFile(path)
		if err == nil {
			fmt.Fprintf(all, "%s %d\n%s", path, len(content), content)
		}
		return err
	}
	for _, file := range r.Files {
		entries, err := os.ReadDir(file)
		if err != nil {
			err = add(file)
		}
		if err != nil {
			return sum, err
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "..") {
				continue
			}
			if err := add(filepath.Join(file, e.Name())); err != nil {
				return sum, err
			}
		}
	}
	return [sha256.Size]byte(all.Sum(nil)), nil
}

func (r *reloader) post(ctx context.Context) (status int, answer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, nil)
	if err != nil {
		return 0, "", fmt.Errorf("ask for a reload: %w", err)
	}
	if r.User != "" {
		password, err := os.ReadFile(r.PasswordFile)
		if err != nil {
			return 0, "", fmt.Errorf("read password: %w", err)
		}
		request.SetBasicAuth(r.User, strings.TrimSpace(string(password)))
	}
	// The request does not leave the pod, whose address no certificate names.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", fmt.Errorf("ask for a reload: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return 0, "", fmt.Errorf("read the server's answer: %w", err)
	}
	return response.StatusCode, strings.TrimSpace(string(body)), nil
}
