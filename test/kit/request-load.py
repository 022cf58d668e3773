"""Requests at an even pace, each on a connection of its own: request-load.py URL EACH_SECOND. When its input ends it prints, as JSON, what became of them."""
import json
import sys
import threading
import time
import urllib.request

url, pause = sys.argv[1], 1 / float(sys.argv[2])
outcomes = []
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(started):
    try:
        with opener.open(url, timeout=3) as answer:
            answer.read()
        outcomes.append((started, True))
    except OSError:
        outcomes.append((started, False))


def generate():
    due = time.monotonic()
    while not done.is_set():
        thread = threading.Thread(target=ask, args=(time.monotonic(),), daemon=True)
        threads.append(thread)
        thread.start()
        due += pause
        time.sleep(max(0, due - time.monotonic()))


done, threads = threading.Event(), []
generator = threading.Thread(target=generate)
generator.start()
print("started", flush=True)
sys.stdin.read()
done.set()
generator.join()
for thread in threads:
    thread.join(10)
outcomes.sort()
lost = [started for started, answered in outcomes if not answered]
answered = [started for started, answered in outcomes if answered]
longest = max((later - earlier for earlier, later in zip(answered, answered[1:])), default=0)
print(json.dumps({"requests": len(outcomes), "lost": len(lost), "longestGapSeconds": round(longest, 1)}))
