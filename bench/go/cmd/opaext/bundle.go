package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
)

// writeBundle packs policy and data as `opa build` lays them out, in a folder of its own.
func writeBundle(data string) (file string, err error) {
	document, err := os.ReadFile(data)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	archive := tar.NewWriter(zip)
	for _, part := range []struct {
		name  string
		bytes []byte
	}{{"/policy.rego", rego}, {"/data.json", document}} {
		header := &tar.Header{Name: part.name, Mode: 0o644, Size: int64(len(part.bytes))}
		if err = archive.WriteHeader(header); err != nil {
			return "", err
		}
		if _, err = archive.Write(part.bytes); err != nil {
			return "", err
		}
	}
	if err = archive.Close(); err != nil {
		return "", err
	}
	if err = zip.Close(); err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "opaext")
	if err != nil {
		return "", err
	}
	file = filepath.Join(folder, "bundle.tar.gz")
	return file, os.WriteFile(file, b.Bytes(), 0o644)
}
