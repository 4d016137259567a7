-- When each schedule is due next. Whoever moves it on makes its runs, in one transaction.
CREATE TABLE durably_py_schedules (
  name TEXT COLLATE "C" PRIMARY KEY,
  job_name TEXT NOT NULL,
  spec TEXT NOT NULL,
  next_at TEXT,
  last_at TEXT,
  paused INTEGER NOT NULL DEFAULT 0,
  updated_at TEXT NOT NULL
);
