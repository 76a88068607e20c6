# Given to every program before it runs: dates, decimals and amounts as documents write them.
# Only what the interpreter knows is used; classes stand for modules that it lacks.
import math
import datetime
from datetime import date, timedelta

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
# As German has them.
_MONATE = ["jan", "feb", "mär", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "dez"]
# The year before the first of each era of Japan.
_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925}


def is_leap_year(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in_month(year, month):
    if month == 2:
        return 29 if is_leap_year(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def parse_date(text):
    """A date from a date, '2024-03-01', '03/01/2024' (month first), '01.03.2024' (day first), '1 March 2024',
    'March 1st, 2024', '1. März 2024', '2024年3月1日', '令和6年3月1日'."""
    if isinstance(text, datetime.datetime):
        return text.date()
    if isinstance(text, date):
        return text
    digits = []
    words = []
    current = ""
    text = str(text).strip()
    era = 0
    for name in _ERAS:
        if name in text:
            era = _ERAS[name]
            text = text.replace("元年", "1年")
    for c in text + " ":
        if current != "" and (c.isdigit() != current[0].isdigit() or not c.isalnum()):
            if current[0].isdigit():
                digits.append(int(current))
            else:
                words.append(current.lower())
            current = ""
        if c.isalnum():
            current += c
    month = None
    for word in words:
        if word[:3] in _MONTHS and len(word) >= 3:
            month = _MONTHS.index(word[:3]) + 1
        if word[:3] in _MONATE and len(word) >= 3:
            month = _MONATE.index(word[:3]) + 1
    if "年" in text and len(digits) >= 3:
        year, month, day = digits[0] + era, digits[1], digits[2]
    elif month is not None and len(digits) >= 2:
        day, year = digits[0], digits[1]
        if day > 31:
            day, year = year, day
    elif len(digits) >= 3 and digits[0] > 31:
        year, month, day = digits[0], digits[1], digits[2]
    elif len(digits) >= 3:
        month, day, year = digits[0], digits[1], digits[2]
        # With points the day stands first wherever points are used.
        if month > 12 or ("." in text and "/" not in text and day <= 12):
            month, day = day, month
    else:
        raise ValueError("no date: " + repr(text))
    if year < 100:
        year += 2000 if year < 70 else 1900
    return date(year, month, day)


def add_days(day, days):
    return parse_date(day) + timedelta(days=days)


def add_months(day, months):
    """The same day of another month; the last day where that month is shorter."""
    day = parse_date(day)
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, days_in_month(year, month)))


def add_years(day, years):
    return add_months(day, 12 * years)


def days_between(first, second):
    """Days from the first date to the second; negative when the second is earlier."""
    return (parse_date(second) - parse_date(first)).days


def months_between(first, second):
    """Whole months from the first date to the second."""
    first, second = parse_date(first), parse_date(second)
    months = (second.year - first.year) * 12 + second.month - first.month
    if months > 0 and add_months(first, months) > second:
        months -= 1
    if months < 0 and add_months(first, months) < second:
        months += 1
    return months


def years_between(first, second):
    """Whole years from the first date to the second, as ages are counted."""
    months = months_between(first, second)
    return months // 12 if months >= 0 else -(-months // 12)


def weekday_name(day):
    return ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"][parse_date(day).weekday()]


def business_days(first, second, holidays=()):
    """Days from Monday to Friday after the first date up to and with the second, without the holidays."""
    first, second = parse_date(first), parse_date(second)
    if second < first:
        return -business_days(second, first, holidays)
    weeks, rest = divmod((second - first).days, 7)
    count = weeks * 5
    for offset in range(1, rest + 1):
        if (first.weekday() + offset) % 7 < 5:
            count += 1
    for holiday in {parse_date(holiday) for holiday in holidays}:
        if first < holiday <= second and holiday.weekday() < 5:
            count -= 1
    return count


def add_business_days(day, days, holidays=()):
    """The date that lies so many working days after the date (before it, when negative)."""
    day = parse_date(day)
    free = {parse_date(holiday) for holiday in holidays}
    step = 1 if days >= 0 else -1
    left = abs(days)
    while left > 0:
        day = day + timedelta(days=step)
        if day.weekday() < 5 and day not in free:
            left -= 1
    return day


def last_day_of_month(day):
    day = parse_date(day)
    return date(day.year, day.month, days_in_month(day.year, day.month))


def number(text):
    """A number from a cell: '$1,234.50', '1.234,50 €', '(1,234)', '−5' and '△5' are negative, '12%' is 12, '—' is 0."""
    if isinstance(text, (int, float)):
        return text
    text = str(text).strip()
    if text in ("", "-", "—", "–"):
        return 0
    negative = ("(" in text and text.rstrip("%").endswith(")")) or text[0] in "△▲"
    kept = ""
    for c in text.replace("−", "-"):
        if c.isdigit() or c in ".,-":
            kept += c
    kept = _with_point(kept.strip(".,"))
    value = float(kept) if "." in kept else int(kept)
    return -value if negative else value


def _with_point(digits):
    """Digits without separators of thousands: of a point and a comma the last one divides, and a comma alone does where
    no three digits follow it."""
    point, comma = digits.rfind("."), digits.rfind(",")
    if comma > point and (point >= 0 or (digits.count(",") == 1 and len(digits) - comma != 4)):
        return digits.replace(".", "").replace(",", ".")
    digits = digits.replace(",", "")
    return digits.replace(".", "") if digits.count(".") > 1 else digits


def _parts(value):
    """Numerator and power of ten of a number, exactly as it is written."""
    if isinstance(value, int):
        return int(value), 0
    text = repr(value) if isinstance(value, float) else str(value).replace(",", "").strip()
    power = 0
    text = text.lower()
    if not isinstance(value, float) and "e" not in text:
        text = str(number(value)) if "(" in text or text[:1] in "$€£¥△▲" or text[-1:] in "€円%" else text
    if "e" in text:
        text, exponent = text.split("e")
        power = int(exponent)
    if "." in text:
        whole, fraction = text.split(".")
        power -= len(fraction)
        text = whole + fraction
    return int(text), power


def _exact(numerator, power):
    if power >= 0:
        return numerator * 10**power
    sign = "-" if numerator < 0 else ""
    digits = str(abs(numerator)).zfill(1 - power)
    text = sign + digits[:power] + "." + digits[power:]
    return float(text) if text.rstrip("0")[-1] != "." else int(sign + digits[:power])


def exact_sum(values):
    """The sum of decimal numbers without the errors of binary fractions."""
    parts = [_parts(value) for value in values]
    power = min([part[1] for part in parts] + [0])
    return _exact(sum([numerator * 10 ** (own - power) for numerator, own in parts]), power)


def exact_product(values):
    """The product of decimal numbers without the errors of binary fractions."""
    numerator, power = 1, 0
    for value in values:
        part = _parts(value)
        numerator, power = numerator * part[0], power + part[1]
    return _exact(numerator, power)


def round_half_up(value, places=0):
    """Rounds as people do with money: 2.675 to 2.68, -0.5 to -1."""
    numerator, power = _parts(value)
    if -power <= places:
        return value
    unit = 10 ** (-power - places)
    whole, rest = divmod(abs(numerator), unit)
    if rest * 2 >= unit:
        whole += 1
    return _exact(-whole if numerator < 0 else whole, -places)


def fraction(value, most=10000):
    """The nearest fraction with a small denominator, as 'p/q'."""
    sign = "-" if value < 0 else ""
    value = abs(value)
    below, above = (0, 1), (1, 0)
    rest = value
    for _ in range(40):
        whole = int(rest)
        step = (below[0] + whole * above[0], below[1] + whole * above[1])
        if step[1] > most:
            break
        below, above = above, step
        if rest == whole or abs(above[0] / above[1] - value) < 1e-12:
            break
        rest = 1 / (rest - whole)
    return sign + (str(above[0]) if above[1] == 1 else str(above[0]) + "/" + str(above[1]))


# The document's tables, where it has any: tables of rows of cells; a cell that is a number is a number.
tables = []
_read_cells = []


def _label(value):
    """A label without case, signs and the mark of a footnote."""
    if isinstance(value, float) and value == int(value):
        value = int(value)
    text = str(value).lower().strip()
    opening = text.rfind("(")
    if opening > 0 and text.endswith(")") and text[opening + 1:-1].isdigit() and len(text) - opening <= 4:
        text = text[:opening]
    kept = ""
    for c in text:
        if c.isalnum():
            kept += c
    return kept


def _same(label, labels):
    """How well labels say the same, and which: 0 exactly, 1 by their beginning, 2 as a part, 3 as a part of it."""
    wanted = _label(label)
    others = [_label(other) for other in labels]
    if wanted == "":
        return 4, []
    for level in range(4):
        found = []
        longest = 0
        for at in range(len(others)):
            other = others[at]
            if level == 0:
                same = other == wanted
            elif level == 1:
                same = other.startswith(wanted)
            elif level == 2:
                same = wanted in other
            else:
                same = len(other) >= 4 and other in wanted
            if same and level == 3 and len(other) > longest:
                longest = len(other)
                found = []
            if same and len(other) >= longest:
                found.append(at)
        if len(found) > 0:
            return level, found
    return 4, []


def _is_number(value):
    return isinstance(value, (int, float))


def _header_rows(rows):
    """How many rows at the top name columns: those before the first with a number that is no year."""
    for at in range(len(rows)):
        for value in rows[at][1:]:
            if isinstance(value, float) or (isinstance(value, int) and (value < 1900 or value > 2100)):
                return at
    return min(1, len(rows))


def _row_label(row):
    for value in row:
        if isinstance(value, str) and value.strip() != "":
            return value
    return row[0] if len(row) > 0 else ""


def _listed(labels):
    shown = [str(label) for label in labels if str(label).strip() != ""]
    more = ", …" if len(shown) > 30 else ""
    return ", ".join([repr(label) for label in shown[:30]]) + more


def _place(rows, row, column):
    """How well, row and column of a cell; or 9 and words on why there is none."""
    top = _header_rows(rows)
    labels = [_row_label(one) for one in rows[top:]]
    level, found = _same(row, labels)
    if len(found) == 0:
        return 9, "no row " + repr(row) + "; rows: " + _listed(labels), 0
    filled = [at for at in found if any([_is_number(value) for value in rows[top + at][1:]])]
    if len(filled) > 0:
        found = filled
    if len(found) > 1:
        places = ", ".join([str(top + at) for at in found])
        return 9, "several rows " + repr(row) + ": " + places + "; take one by its number", 0
    at = top + found[0]
    if column is None:
        numbers = [place for place in range(1, len(rows[at])) if _is_number(rows[at][place])]
        if len(numbers) == 1:
            return level, at, numbers[0]
        return 9, "which column of row " + repr(row) + "? It has " + str(len(numbers)) + " numbers", 0
    best, places = 4, []
    for header in range(min(max(top, 1), len(rows))):
        how, found = _same(column, rows[header])
        if how < best:
            best, places = how, found
    if len(places) == 0:
        headers = [value for header in rows[:max(top, 1)] for value in header]
        return 9, "no column " + repr(column) + "; columns: " + _listed(headers), 0
    places = [place for place in places if place < len(rows[at])]
    if len(places) != 1:
        return 9, "several or no cells under " + repr(column) + " in row " + str(at) + "; take one by its number", 0
    return level + best, at, places[0]


def cell(row, column=None, table=None):
    """A cell of the document's tables by the labels of its row and column; a dash is 0. Without a column, the only number
    of the row."""
    if len(tables) == 0:
        raise ValueError("there are no tables")
    best, which, place, words = 9, 0, (0, 0), ""
    equal = []
    for at in range(len(tables)):
        if table is None or table == at:
            level, found, column_place = _place(tables[at], row, column)
            if level == 9 and (words == "" or ("no row " in words and "no row " not in found)):
                words = found if table is not None or len(tables) == 1 else "table " + str(at) + ": " + found
            if level < best:
                best, which, place, equal = level, at, (found, column_place), [at]
            elif level == best and level < 9:
                equal.append(at)
    if best == 9:
        raise ValueError(words if words != "" else "there are " + str(len(tables)) + " tables, from 0")
    value = tables[which][place[0]][place[1]]
    for at in equal[1:]:
        level, found, column_place = _place(tables[at], row, column)
        if tables[at][found][column_place] != value:
            raise ValueError("tables " + ", ".join([str(one) for one in equal]) + " have it; say table=…")
    if isinstance(value, str) and value.strip() in ("-", "—", "–", "−"):
        value = 0
    if value == "":
        raise ValueError("the cell of " + repr(row) + " and " + repr(column) + " is empty")
    if len(_read_cells) < 200:
        _read_cells.append([which, place[0], place[1]])
    return value


def is_prime(n):
    if n < 2:
        return False
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 1
    return True


def Decimal(value=0):
    """Stands for decimal.Decimal: the number itself; output is rounded to what a decimal number would show."""
    if isinstance(value, (int, float)):
        return value
    text = str(value).replace(",", "").strip()
    return float(text) if "." in text or "e" in text.lower() else int(text)


def _mean(values):
    values = list(values)
    total = sum(values)
    if isinstance(total, int) and total % len(values) == 0:
        return total // len(values)
    return total / len(values)


def _median(values):
    values = sorted(values)
    middle = len(values) // 2
    if len(values) % 2 == 1:
        return values[middle]
    return (values[middle - 1] + values[middle]) / 2


def _pvariance(values):
    values = list(values)
    mean = _mean(values)
    return sum([(value - mean) ** 2 for value in values]) / len(values)


def _variance(values):
    values = list(values)
    return _pvariance(values) * len(values) / (len(values) - 1)


def _pstdev(values):
    return math.sqrt(_pvariance(values))


def _stdev(values):
    return math.sqrt(_variance(values))


def _mode(values):
    values = list(values)
    best = values[0]
    for value in values:
        if values.count(value) > values.count(best):
            best = value
    return best


def _monthrange(year, month):
    return date(year, month, 1).weekday(), days_in_month(year, month)


class statistics:
    mean = _mean
    fmean = _mean
    median = _median
    mode = _mode
    pvariance = _pvariance
    variance = _variance
    pstdev = _pstdev
    stdev = _stdev


class calendar:
    isleap = is_leap_year
    monthrange = _monthrange
    month_name = ["", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                  "November", "December"]
    day_name = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class decimal:
    Decimal = Decimal
