//go:build linux || darwin || freebsd

package store

import (
	"path/filepath"
	"syscall"
)

// freeBytes is how much may still be written to the disk that a file lies on.
func freeBytes(file string) int64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(file), &s); err != nil {
		return -1
	}
	return int64(uint64(s.Bavail) * uint64(s.Bsize))
}
