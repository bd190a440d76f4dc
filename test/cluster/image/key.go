package image

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/outrider-dev/outrider/test/cluster/cache"
)

// key hashes everything that the image is made from.
func (i Image) key(name, program string, others map[string]string, debs []deb) (string, error) {
	data, err := json.Marshal(i)
	if err != nil {
		return "", fmt.Errorf("hash image: %w", err)
	}
	parts := []string{format, name, string(data)}
	if i.Component != "" {
		parts = append(parts, program) // its path is named by its content
	} else if program != "" {
		hash, err := cache.FileKey(program)
		if err != nil {
			return "", err
		}
		parts = append(parts, hash)
	}
	parts = slices.AppendSeq(parts, maps.Values(others))
	for _, d := range debs {
		parts = append(parts, filepath.Base(d.path))
	}
	if len(i.Debian) > 0 { // this machine's libraries are among its files
		hash, err := cache.FileKey("/var/lib/dpkg/status")
		if err != nil {
			return "", err
		}
		parts = append(parts, hash)
	}
	for _, folder := range i.Trees {
		parts = append(parts, treeVersion(folder))
	}
	slices.Sort(parts)
	return cache.Key(parts...), nil
}

// tree is a folder of the cache that an image takes over where it exists.
func tree(folder string) (dir string, found bool) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", false
	}
	dir = filepath.Join(base, "outrider", folder)
	_, err = os.Stat(dir)
	return dir, err == nil
}

// treeVersion changes when the folder is made or replaced.
func treeVersion(folder string) string {
	dir, found := tree(folder)
	if !found {
		return ""
	}
	info, err := os.Stat(dir)
	if err != nil {
		return ""
	}
	return info.ModTime().String()
}
