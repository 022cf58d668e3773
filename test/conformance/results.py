"""Reads a subunit stream and writes one line of JSON for each test that has ended: its name, status, seconds, and why."""

import json
import sys

import subunit
import testtools

ENDED = {'success', 'fail', 'skip', 'xfail', 'uxsuccess'}


def tell(test):
    if test['status'] not in ENDED:
        return
    start, stop = test['timestamps']
    details = test['details']
    reason = details['reason'].as_text() if 'reason' in details else ''
    traceback = next((content.as_text() for name, content in details.items() if name.startswith('traceback')), '')
    json.dump(
        {
            'name': test['id'],
            'status': test['status'],
            'seconds': (stop - start).total_seconds() if start and stop else 0,
            'reason': reason,
            'traceback': traceback,
        },
        sys.stdout,
    )
    sys.stdout.write('\n')
    sys.stdout.flush()


result = testtools.StreamToDict(tell)
result.startTestRun()
subunit.ByteStreamToStreamResult(sys.stdin.buffer, non_subunit_name='output').run(result)
result.stopTestRun()
