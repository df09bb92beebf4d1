// What the containers of the tests run: does what its words say, one after the other. No shell, no
// libraries.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static void on_term(int number) {
  (void)number;
  write(1, "terminated\n", 11);
  _exit(5);
}
static void show(const char* path) {
  char buffer[4096];
  ssize_t count;
  int fd = open(path, O_RDONLY);
  if (fd < 0) {
    printf("%s: absent\n", path);
    return;
  }
  while ((count = read(fd, buffer, sizeof buffer)) > 0) write(1, buffer, count);
  close(fd);
}
int main(int argc, char** argv) {
  setbuf(stdout, 0);
  for (int i = 1; i < argc; ++i) {
    const char* word = argv[i];
    const char* value = strchr(word, '=');
    value = value ? value + 1 : "";
    if (!strncmp(word, "exit=", 5)) return atoi(value);
    if (!strncmp(word, "say=", 4)) puts(value);
    if (!strncmp(word, "warn=", 5)) fprintf(stderr, "%s\n", value);
    if (!strncmp(word, "cat=", 4)) show(value);
    if (!strncmp(word, "env=", 4))
      printf("%s=%s\n", value, getenv(value) ? getenv(value) : "(unset)");
    if (!strcmp(word, "id")) printf("uid %d gid %d pid %d\n", getuid(), getgid(), getpid());
    if (!strncmp(word, "owner=", 6)) {
      struct stat about;
      if (stat(value, &about))
        perror(value);
      else
        printf("%s %d:%d %o\n", value, about.st_uid, about.st_gid, about.st_mode & 07777);
    }
    if (!strncmp(word, "write=", 6)) {
      int fd = open(value, O_CREAT | O_WRONLY, 0644);
      puts(fd < 0 ? "write refused" : "written");
    }
    if (!strcmp(word, "cwd")) {
      char at[512];
      puts(getcwd(at, sizeof at));
    }
    if (!strcmp(word, "input")) {
      char text[100];
      ssize_t n = read(0, text, sizeof text);
      write(1, text, n > 0 ? n : 0);
    }
    if (!strcmp(word, "trap")) signal(SIGTERM, on_term);
    if (!strcmp(word, "wait"))
      for (;;) pause();
    if (!strcmp(word, "kill")) kill(getpid(), SIGKILL);
    if (!strcmp(word, "abort")) *(volatile int *)8 = 1;
    if (!strcmp(word, "eat"))
      for (;;) {
        // Volatile: a compiler may leave out memory that nobody reads.
        volatile char* more = malloc(1 << 20);
        for (int at = 0; at < 1 << 20; at += 512) more[at] = 1;
      }
    if (!strcmp(word, "fork")) {
      int made = 0;
      while (fork() > 0 && made < 1000) ++made;
      if (made < 1000) printf("forks refused after %d\n", made);
      return 0;
    }
    if (!strcmp(word, "many"))
      for (int line = 0; line < 1000; ++line) printf("line %d\n", line);
  }
  return 0;
}
