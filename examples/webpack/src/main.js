import { JobStore, startDurably } from 'durably-py'
import { monthlyReport } from '../public/durably/jobs/reports.js'

const [button, status, list] = ['button', '[role=status]', 'ol'].map((part) =>
  document.querySelector(part),
)
const durably = startDurably({ base: '/durably/', store: 'reports' })

function show(report) {
  const { status: state, progress, output, error } = report.getSnapshot()
  const done = progress ? `${progress.current}/${progress.total}` : ''
  status.textContent = error ?? `${state ?? 'Nothing was asked for yet'} ${done}`
  list.replaceChildren(
    ...(output?.lines ?? []).map((line) =>
      Object.assign(document.createElement('li'), { textContent: line }),
    ),
  )
}

// Told of each stage while Python starts.
durably.boot.subscribe(() => {
  const { stage, part } = durably.boot.getSnapshot()
  if (part < 1) status.textContent = `Starting Python (${stage})…`
})

const report = new JobStore(await durably, monthlyReport)
report.subscribe(() => show(report))
show(report)
button.disabled = false
button.addEventListener('click', () => report.trigger({ month: '2026-11' }))
