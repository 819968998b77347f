// Bugs that the tests must find. Each is a place where the engine could go wrong in a way that
// breaks a law of the design or repeats what a comparable program did, as its line says. In the
// shipped build none exists: mutant() is false to the compiler, and nothing is left of it. The one
// build that has them takes the name from WINDLASS_MUTANT. docs/mutants.md: what finds each.
// lint: long file, a table: one line for each mutant
#pragma once

#include <cstdint>

namespace windlass::core {

enum class Mutant : std::uint8_t {
    // Law 1: a worker may hold for ever a run that it does not begin.
    begin_unlimited,
    // Law 1: the load of a process that stood by has no limit of its own.
    standby_loads_unlimited,
    // Law 1: weights that come back may take for ever.
    restore_unlimited,
    // Law 1, rule 6: the wait after SIGKILL has no end (llama-swap).
    reap_unlimited,
    // Law 1: a run that comes back while the daemon ends waits for a worker.
    lost_run_waits_for_end,
    // Law 2, rule 1: the idle time counts on while a run uses the model (llama-swap 946).
    idle_clock_runs_on,
    // Law 2, rule 1: an unload ends what runs (llama-swap).
    unload_cuts_runs,
    // Law 4, rule 7: bytes are free as soon as the process is gone (large-model-proxy).
    exit_frees,
    // Law 4, rule 7: what a process took beyond its claim need not come back.
    grown_need_not_return,
    // Law 4: a pinned model makes room.
    pinned_goes,
    // Law 4, rule 2: a model makes room while it loads (llama.cpp 25528).
    loading_goes,
    // Law 4, rule 2: a copy makes room for a stranger while a run uses it.
    shrinks_the_busy,
    // Law 4: weights come back before their bytes are claimed.
    restores_unclaimed,
    // Law 4: weights come back beside one that claims all there is.
    returns_beside_all,
    // Law 4: weights go to the host without a claim there.
    host_unclaimed,
    // Law 4, rule 2: bytes that are kept for one who waits go to another.
    promises_ignored,
    // Law 5, rule 4: models make room that is not enough (surogate 140).
    evicts_for_nothing,
    // Law 5, rule 4: what is missing already is left out of the room that must be made.
    deficit_ignored,
    // Law 6, rule 3: who waits for memory is not told that a process is gone.
    exit_untold,
    // Law 6, rule 3: who waits counts on a process that will not leave (ollama 17408).
    counts_on_unkillable,
    // Law 6, rule 3: what a process says that was set aside is taken for its successor's.
    hears_set_aside,
    // Law 6: a process on standby from before a restart or a change takes the next load.
    old_standby_loads,
    // Law 6: a retry is due for a request that has its answer.
    retry_outlives_client,
    // Law 8, rule 11: a model loads where nothing says how full it is (vramd).
    unknown_is_free,
    // Law 8, rule 11: a device's last answer counts on when it falls silent.
    silence_remembers,
    // Law 8: a load that ran out of memory is tried again by the same old answer.
    oom_changes_nothing,
    // Law 9, rule 8: `offloaded` frees the bytes before the driver shows it (vLLM 47654).
    word_is_proof,
    // Law 9, rule 7: an answer to a question from before the exit is a proof.
    old_answer_proves,
    // Law 9: an answer from before a device was lost counts once it is back.
    loss_leaves_question,
    // Law 9: what a load has taken is learned as the need of a run.
    load_teaches,
    // Law 10: a job runs that the store has not handed out.
    job_claim_skipped,
    // Law 10: an attempt is settled twice.
    job_settled_twice,
    // Law 10: the next attempt begins while the process of the last one lives (Oban, Celery).
    job_retried_before_reaped,
    // Law 10: a result counts that comes after the verdict (river 1302).
    job_late_result_taken,
    // Law 10: the store is not told of a verdict before the worker is ended.
    job_verdict_unsaid,
    // Law 10: what the daemon's own end cuts off is charged to the job (Oban 364).
    job_shutdown_charged,
    // Law 10: what a worker had not begun is charged with its death.
    job_unbegun_charged,
    // Law 10: the death of its worker is not counted, so that poison runs for ever (sidekiq 4594).
    job_crash_uncounted,
    // Law 10: an input that is wrong is tried again and again.
    job_rejection_retried,
    // Law 10: what took a worker along runs beside others again.
    job_isolation_ignored,
    // Law 10: a job stalls though its code reports progress.
    job_progress_ignored,
    // Law 10: calls that keep coming keep jobs waiting for ever.
    job_turn_ignored,
    // Law 10: calls that are sent ahead fill what a job waits for, again and again.
    job_window_passed,
    // Law 10: the jobs of a model that never loads wait for ever.
    job_load_uncharged,
    // Law 10: a store that is slow keeps a place from everybody.
    job_place_kept,
    // Law 10: a cancelled job that does not listen runs on for ever.
    job_cancel_only_asks,
    // Law 13: who waits for an exit is said to wait for a load.
    stopping_said_loading,
    // Law 13: who is asked why a request waits forgets the bytes that the dead have left.
    explain_omits_the_dead,
    // Law 13: who is asked when somebody makes room names one who stays.
    explain_names_who_stays,
    // Law 13: who is asked how many come before a request forgets their priorities.
    explain_forgets_priority,
    // Law 14: a client that leaves takes the worker along.
    client_ends_worker,
    // Law 14: a client's limit for waiting ends a run that has begun.
    wait_limit_hits_runs,
    // Law 14: a run that had not begun is lost with its worker.
    unbegun_is_lost,
    // Law 14: a run that its worker kept is given to another as well.
    recall_is_obeyed,
    // Rule 9: the time of a run counts from when it was sent.
    run_limit_from_sending,
    // Rule 9: a run that reports progress stalls all the same (LocalAI 5221).
    progress_ignored,
    // Rule 9: a loop that was late ends workers that it kept from beginning.
    late_loop_blames_waiting,
    // Rule 10: an error is tried again that is not `transient`.
    retries_anything,
    // Rule 12: where processes are hidden, ours count as strangers (sglang-omni 1685).
    hidden_is_foreign,
    // Rule 13: while one copy pauses after a failure others start (LocalAI 10719).
    others_load_in_backoff,
    // Rule 13: an open breaker lets all in at once.
    first_of_many_probes,
    // Rule 15: who has just come back makes room at once.
    turn_ignored,
    // Rule 15: those at work never make room, however long somebody waits.
    patience_endless,
    // Rule 16: a wait for memory is no bad sign.
    memory_wait_is_well,
};

#ifdef WINDLASS_MUTANTS
bool mutant(Mutant mutant);  // tests/mutants/mutant.cpp
#else
constexpr bool mutant(Mutant) { return false; }
#endif

}  // namespace windlass::core
