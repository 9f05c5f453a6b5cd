package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// shelf keeps volumes or snapshots: ID/data is the content, ID/about.json what there is to know of it.
//
// Each is made and taken away under a name that begins with a dot, so that it is there whole or not at all. It has no
// lock of its own.
type shelf struct {
	directory, kind string
}

// about is what is known of a volume or a snapshot. A snapshot has its volume's capacity.
type about struct {
	Capacity int64     `json:"capacity"` // bytes that were asked for; nothing limits what is written
	Volume   string    `json:"volume,omitempty"`
	Taken    time.Time `json:"taken"`
}

// openShelf makes the directory where there is none. kind: "volumes".
func openShelf(parent, kind string) (*shelf, error) {
	directory := filepath.Join(parent, kind)
	return &shelf{directory: directory, kind: kind}, os.MkdirAll(directory, 0o700)
}

// data is the path of the content.
func (s *shelf) data(id string) string {
	return filepath.Join(s.directory, id, "data")
}

// about is a NotFound of gRPC where there is nothing of that id.
func (s *shelf) about(id string) (about, error) {
	var known about
	if id != filepath.Base(id) || strings.HasPrefix(id, ".") {
		return known, status.Errorf(codes.NotFound, "%s: none can be called %q", s.kind, id)
	}
	text, err := os.ReadFile(filepath.Join(s.directory, id, "about.json"))
	if os.IsNotExist(err) {
		return known, status.Errorf(codes.NotFound, "%s: there is no %s", s.kind, id)
	}
	if err != nil {
		return known, err
	}
	return known, json.Unmarshal(text, &known)
}

// put makes one. source: the directory whose content it gets with all that files have (holes, hard links, extended
// attributes, owners); "" for an empty one that everybody may write to.
func (s *shelf) put(id string, known about, source string) error {
	if id != filepath.Base(id) || strings.HasPrefix(id, ".") {
		return status.Errorf(codes.InvalidArgument, "%s: none can be called %q", s.kind, id)
	}
	unfinished := filepath.Join(s.directory, "."+id)
	data := filepath.Join(unfinished, "data")
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := os.Mkdir(unfinished, 0o755); err != nil {
		return err
	}
	if source == "" {
		if err := os.Mkdir(data, 0o777); err != nil {
			return err
		}
		// What Mkdir makes goes by the umask.
		if err := os.Chmod(data, 0o777); err != nil {
			return err
		}
	} else if said, err := exec.Command("cp", "--archive", source, data).CombinedOutput(); err != nil {
		return fmt.Errorf("copying %s: %w: %s", source, err, said)
	}
	text, err := json.Marshal(known)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(unfinished, "about.json"), text, 0o600); err != nil {
		return err
	}
	return os.Rename(unfinished, filepath.Join(s.directory, id))
}

// remove takes one away; none of that id is no error.
func (s *shelf) remove(id string) error {
	if _, err := s.about(id); status.Code(err) == codes.NotFound {
		return nil
	}
	unfinished := filepath.Join(s.directory, "."+id)
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(s.directory, id), unfinished); err != nil {
		return err
	}
	return os.RemoveAll(unfinished)
}

// ids lists what is there.
func (s *shelf) ids() ([]string, error) {
	entries, err := os.ReadDir(s.directory)
	var found []string
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			found = append(found, entry.Name())
		}
	}
	return found, err
}
