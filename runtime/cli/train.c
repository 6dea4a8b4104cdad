// SPDX-License-Identifier: Apache-2.0
//
// simclr train: options, the plan, the progress line, and a clean end when the
// user has had enough.
#include "runtime/cli/commands.h"

#include <simclr/train.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

struct arguments {
    struct simclr_texts program;
    const char *data, *out, *lr_scaling, *warmup, *augment, *checkpoint_every;
    int64_t epochs, steps, seed, keep, threads;
    double lr;
    bool resume, json;
};

#define AT(field) offsetof(struct arguments, field)
static const struct simclr_option options[] = {
    {SIMCLR_OPTION_heading, .help = "What to train"},
    {SIMCLR_OPTION_text, .name = "data", .offset = AT(data), .metavar = "SPEC",
     .help = "images: cifar10:DIR, folder:DIR, synthetic:[key=value,...] or a\n"
             "folder that is one of the first two"},
    {SIMCLR_OPTION_text, .letter = 'o', .name = "out", .offset = AT(out), .is_required = true,
     .metavar = "RUN", .help = "the folder for checkpoints, metrics and configuration"},
    {SIMCLR_OPTION_flag, .name = "resume", .offset = AT(resume),
     .help = "continue the run in RUN, with its options; start it if there\n"
             "is none"},

    {SIMCLR_OPTION_heading, .help = "How"},
    {SIMCLR_OPTION_integer, .name = "epochs", .offset = AT(epochs), .metavar = "N",
     .at_least = 1, .help = "passes over the images"},
    {SIMCLR_OPTION_integer, .name = "steps", .offset = AT(steps), .metavar = "N", .at_least = 1,
     .help = "batches, instead of epochs"},
    {SIMCLR_OPTION_number, .name = "lr", .offset = AT(lr), .metavar = "X",
     .help = "base learning rate (lars 0.3, sgd 0.12, adam and adamw 0.001;\n"
             "with sqrt: lars 0.075, sgd 0.0075, adam and adamw 0.0000625)"},
    {SIMCLR_OPTION_text, .name = "lr-scaling", .offset = AT(lr_scaling),
     .choices = "linear|sqrt|none",
     .help = "multiply it by batch/256, by the batch's root, or by nothing\n"
             "(linear; none for adam and adamw)"},
    {SIMCLR_OPTION_text, .name = "warmup", .offset = AT(warmup), .metavar = "10ep|500it",
     .help = "linear rise at the beginning, before the cosine (10ep, or a\n"
             "tenth of the run if that is less)"},
    {SIMCLR_OPTION_text, .name = "augment", .offset = AT(augment), .metavar = "SPEC",
     .help = "simclr-imagenet, simclr-cifar, none, or a list such as\n"
             "crop(0.08,1),flip(0.5),jitter(s=0.5,p=0.8),gray(0.2),blur(p=0.5)\n"
             "(simclr-cifar up to 64 pixels, then simclr-imagenet)"},
    {SIMCLR_OPTION_integer, .name = "seed", .offset = AT(seed), .metavar = "S",
     .help = "of the order of images and their views (0)"},
    {SIMCLR_OPTION_integer, .name = "threads", .offset = AT(threads), .metavar = "N",
     .at_least = 1, .help = "one per core is the default; the losses do not depend on it"},

    {SIMCLR_OPTION_heading, .help = "What to keep"},
    {SIMCLR_OPTION_text, .name = "checkpoint-every", .offset = AT(checkpoint_every),
     .metavar = "1ep|500it|10min", .help = "besides the one at the end (10min)"},
    {SIMCLR_OPTION_integer, .name = "keep", .offset = AT(keep), .metavar = "N", .at_least = 1,
     .help = "so many checkpoints, the newest (2)"},
    {SIMCLR_OPTION_flag, .name = "json", .offset = AT(json),
     .help = "print the result as JSON"},
};
#undef AT

static const struct simclr_command command = {
    .program = "simclr",
    .name = "train",
    .usage = "P.scp --data SPEC --out RUN (--epochs N | --steps N) [options]",
    .about = "Trains a program that simclrc compiled. Interrupted once, it finishes the step,\n"
             "writes a checkpoint and ends; --resume goes on, with the same losses as if\n"
             "nothing had happened.",
    .examples = "  simclr train r18.scp --data cifar10:data --epochs 200 --out runs/a\n"
                "  simclr train r18.scp --data photos --steps 5000 --lr 0.5 --out runs/b\n"
                "  simclr train --out runs/a --resume",
    .operands = {.metavar = "P.scp", .max = 1, .offset = offsetof(struct arguments, program)},
    .options = options,
    .n_options = sizeof options / sizeof *options,
};

// ---- the end on request ----

// Set by the first signal; the second one does what signals do.
static volatile sig_atomic_t is_interrupted;

static void interrupt(int signal)
{
    static const char text[] = "\nsimclr: note: stopping after this step; again to stop now\n";
    (void)signal;
    is_interrupted = 1;
    const ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);
    (void)n;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

// ---- what is said ----

struct screen {
    bool is_terminal;
    double last; // when a line was last printed, in seconds; 0: never
    bool is_line_open;
};

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void say_bytes(const char *what, uint64_t bytes)
{
    sc_cli_say("  %-12s %10.1f MiB\n", what, (double)bytes / (1024.0 * 1024.0));
}

static void say_plan(void *user, const struct simclr_train_plan *p)
{
    (void)user;
    sc_cli_say("memory\n");
    say_bytes("parameters", p->parameters);
    say_bytes("optimizer", p->optimizer);
    say_bytes("statistics", p->statistics);
    say_bytes("constants", p->constants);
    say_bytes("arena", p->arena);
    say_bytes("scratch", p->scratch);
    say_bytes("loader", p->loader);
    say_bytes("images", p->images);
    say_bytes("total", p->total);
    sc_cli_say("%" PRId64 " images, %" PRId64 " a step, %" PRId64
               " steps an epoch; steps %" PRId64 " to %" PRId64 ", peak lr %g after %" PRId64
               " steps\n",
               p->n_images, p->batch, p->steps_per_epoch, p->first_step, p->total_steps,
               p->peak_lr, p->warmup_steps);
}

static void format_seconds(double seconds, char text[32])
{
    const int64_t s = seconds < 1e9 ? (int64_t)(seconds + 0.5) : 1000000000;
    if (s < 60)
        (void)snprintf(text, 32, "%" PRId64 "s", s);
    else if (s < 3600)
        (void)snprintf(text, 32, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
    else
        (void)snprintf(text, 32, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
}

// A line that is to be rewritten must not wrap; what matters most stands first.
static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return 80;
    return size.ws_col;
}

static void say_line(const struct screen *screen, const struct simclr_train_progress *p)
{
    char line[256], left[32], chance[48] = "", contrastive[64] = "";
    format_seconds(p->seconds_left, left);
    if (p->chance > 0) (void)snprintf(chance, sizeof chance, " (chance %.4f)", p->chance);
    if (p->has_contrastive)
        (void)snprintf(contrastive, sizeof contrastive, "  accuracy %.1f%%  entropy %.3f",
                       100.0 * p->accuracy, p->entropy);
    (void)snprintf(line, sizeof line,
                   "step %" PRId64 "/%" PRId64 "  loss %.4f%s  ETA %s%s  lr %.4g  %.1f images/s"
                   "  epoch %" PRId64 "/%" PRId64,
                   p->step, p->total_steps, p->loss, chance, left, contrastive, p->lr,
                   p->images_per_s, p->epoch, p->n_epochs);
    if (screen->is_terminal)
        sc_cli_say("\r\x1b[K%.*s", (int)(terminal_width() - 1), line);
    else
        sc_cli_say("%s\n", line);
}

// On a terminal one line is rewritten, elsewhere lines follow each other slowly.
static bool show_step(void *user, const struct simclr_train_progress *p)
{
    struct screen *const screen = user;
    const double time = now(), pause = screen->is_terminal ? 0.1 : 5.0;
    const bool is_last = p->step == p->total_steps || is_interrupted;
    if (is_last || screen->last <= 0 || time - screen->last >= pause) {
        say_line(screen, p);
        screen->last = time;
        screen->is_line_open = screen->is_terminal;
    }
    return is_interrupted;
}

static void print_result(const struct arguments *a, const struct simclr_train_result *r)
{
    if (a->json) {
        sc_cli_print("{\"run\":");
        sc_cli_print_json_text(a->out);
        sc_cli_print(",\"step\":%" PRId64 ",\"total_steps\":%" PRId64, r->step, r->total_steps);
        sc_cli_print(",\"loss\":%.9g,\"complete\":%s}\n", r->loss,
                     r->step == r->total_steps ? "true" : "false");
    } else if (r->step == r->total_steps) {
        sc_cli_print("%s: complete at step %" PRId64 "\n", a->out, r->step);
    } else {
        sc_cli_print("%s: stopped at step %" PRId64 " of %" PRId64 "; --resume goes on\n",
                     a->out, r->step, r->total_steps);
    }
}

int sc_cli_train(int argc, const char *const *argv, struct simclr_diag *diag)
{
    struct arguments a = {.lr = -1, .seed = -1}; // not given
    int exit_code;
    if (!simclr_options_parse(&command, argc, argv, &a, diag, &exit_code)) return exit_code;
    const struct simclr_train_options train = {.program =
                                                   a.program.n > 0 ? a.program.item[0] : NULL,
                                               .data = a.data,
                                               .out = a.out,
                                               .resumes = a.resume,
                                               .epochs = a.epochs,
                                               .steps = a.steps,
                                               .has_lr = a.lr >= 0,
                                               .has_seed = a.seed >= 0,
                                               .lr = a.lr,
                                               .lr_scaling = a.lr_scaling,
                                               .warmup = a.warmup,
                                               .augment = a.augment,
                                               .seed = a.seed,
                                               .checkpoint_every = a.checkpoint_every,
                                               .keep = a.keep,
                                               .threads = a.threads};
    struct screen screen = {.is_terminal = isatty(STDERR_FILENO) != 0};
    const struct simclr_train_observer observer = {
        .user = &screen, .planned = say_plan, .stepped = show_step};
    struct simclr_train_result result;
    catch_signals();
    const simclr_status status = simclr_train(&train, &observer, diag, &result);
    if (screen.is_line_open) sc_cli_say("\n");
    if (status == SIMCLR_OK) print_result(&a, &result);
    return sc_cli_finish(diag, status);
}
