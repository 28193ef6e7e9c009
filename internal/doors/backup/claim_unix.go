//go:build linux || darwin || freebsd

package backup

import (
	"errors"
	"os"
	"syscall"
)

// claim takes an open file for this process until it is closed or the process
// is gone, however it ends. Got is false when somebody else has it; known is
// false where the file system has no such thing.
func claim(f *os.File) (got, known bool) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	return err == nil, err == nil || errors.Is(err, syscall.EWOULDBLOCK)
}
