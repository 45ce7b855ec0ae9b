//! The folds, on notes made by hand: what each must forgive. That each check fails when it should is shown by the runs of real
//! machines in `scenarios/failing`.
