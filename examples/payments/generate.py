#!/usr/bin/env python3
"""Writes made-up card payments as JSON lines: the same ones for the same seed.

  examples/payments/generate.py --count 1000 --rate 200 --seed 7
"""
import argparse
import json
import random
import sys
import time

NAMES = ["Zoë Laurent", "José Álvarez", "Anna Müller", "Łukasz Nowak", "Aiko 佐藤", "Søren Holm",
         "Priya Nair", "Chloé Dubois", "Ivan Petrov", "Maria Rossi"]
MERCHANTS = ["Corner Books", "Café \"Zur Post\"", "Rail & Sea", "Green Grocer", "Night Cinema",
             "Bike Works", "Hotel Am See", "Data Centre GmbH"]
COUNTRIES = ["FR", "ES", "DE", "PL", "JP", "DK", "IN", "IT", "US", "BR"]


def luhn_digit(digits):
    total = 0
    for i, d in enumerate(reversed(digits)):
        d = int(d) * (2 if i % 2 == 0 else 1)
        total += d - 9 if d > 9 else d
    return str(-total % 10)


def payment(rng):
    digits = "400000" + "".join(rng.choice("0123456789") for _ in range(9))  # a range that no bank issues
    amount = rng.choice([rng.uniform(1, 90), rng.uniform(20, 400), rng.uniform(100, 5000)])
    return {"card": digits + luhn_digit(digits), "name": rng.choice(NAMES), "amount": round(amount, 2),
            "merchant": rng.choice(MERCHANTS), "country": rng.choice(COUNTRIES)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--skip", type=int, default=0, help="leave out the first ones")
    parser.add_argument("--rate", type=float, default=0, help="lines a second; 0: as fast as possible")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    for _ in range(args.skip):
        payment(rng)
    started = time.monotonic()
    for i in range(args.count):
        line = json.dumps(payment(rng), ensure_ascii=False, separators=(",", ":"))
        try:
            sys.stdout.write(line + "\n")
            if args.rate:
                sys.stdout.flush()
                time.sleep(max(0.0, started + (i + 1) / args.rate - time.monotonic()))
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
