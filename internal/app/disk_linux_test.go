package app

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"regulars/internal/doors/backup"
	"regulars/internal/platform/errs"
)

// smallDisk is a file system of its own with 256 kB, where the tests may mount
// one.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("no file system can be mounted here:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	return dir
}

func TestAFullDiskLeavesNoHalfBackup(t *testing.T) {
	small := smallDisk(t)
	c, _ := place(t)
	people(t, c, "anna", "berta")
	_, err := Back(t.Context(), c, filepath.Join(small, "x.tar.zst"), backup.Key{})
	var known *errs.Error
	if !errors.As(err, &known) || known.Key != "backup.full" {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(small); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	made, err := Back(t.Context(), c, "", backup.Key{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), Config{DB: filepath.Join(small, "shop.db")}, made.File, "", backup.Key{}); !errors.As(err, &known) || known.Key != "backup.full" {
		t.Errorf("restored: %v", err)
	}
	if left, _ := os.ReadDir(small); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
