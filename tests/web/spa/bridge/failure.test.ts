import { expect, test } from 'vitest'
import { DurablyError } from '../../../../web/core/errors'
import { toPayload } from '../../../../web/spa/bridge/failure'

test("an error of Python's entry keeps its code", () => {
  const text = `Traceback (most recent call last):
  File "entry.py", line 1, in start
RuntimeError: durably:{"code":"schema_too_new","message":"made by a newer version"}
`
  expect(toPayload(new Error(text), 'boot_failed')).toEqual({
    code: 'schema_too_new',
    message: 'made by a newer version',
  })
})

test('any other traceback is told by its last line', () => {
  const text = 'Traceback (most recent call last):\n  File "x.py"\nKeyError: 1\n'

  expect(toPayload(new Error(text), 'internal')).toEqual({
    code: 'internal',
    message: 'KeyError: 1',
  })
})

test('an error of this side keeps its code and its problems', () => {
  const problems = [{ path: ['file'], message: 'missing' }]

  expect(toPayload(new DurablyError('validation', 'bad', { problems }), 'internal')).toEqual({
    code: 'validation',
    message: 'bad',
    problems,
  })
})
