"""A client process that has used a model and now idles, connected: its cost is what a client costs.

    python3 idle_client.py URL MODEL INPUT_JSON

Prints the answer as one line of JSON, and another answer for each line that comes in, of the model
that it names or else of the same one; keeps the client until its standard input ends.
"""

import json
import sys

import windlass as wl


def main():
    url, model, value = sys.argv[1:]
    client = wl.Client(url)
    print(json.dumps(client.call(model, json.loads(value))), flush=True)
    for line in sys.stdin:
        print(json.dumps(client.call(line.strip() or model, json.loads(value))), flush=True)


if __name__ == "__main__":
    main()
