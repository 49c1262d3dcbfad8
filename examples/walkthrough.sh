#!/bin/sh
# A first walk through the API against the server of `make run`: enrol, earn, retry, redeem, take it back, hold, return goods,
# reserve a cart and confirm it, ask why, be in a tier and a club, and bring a friend.
# PORT and LOYALTY_STATE_DIR are those of the server. BASE_URL, ADMIN_KEY and TILL_KEY lead to another one.
set -eu

BASE_URL=${BASE_URL:-http://127.0.0.1:${PORT:-8000}}
if [ -z "${LOYALTY_STATE_DIR:-}" ]; then
    case "$(id -u)" in
        0) LOYALTY_STATE_DIR=/var/lib/loyalty-engine ;;
        *) LOYALTY_STATE_DIR=${XDG_STATE_HOME:-$HOME/.local/state}/loyalty-engine ;;
    esac
fi

stop() { echo "walkthrough: $*" >&2 && exit 1; }

command -v curl > /dev/null || stop "needs curl"
if [ -z "${ADMIN_KEY:-}" ] || [ -z "${TILL_KEY:-}" ]; then
    [ -r "$LOYALTY_STATE_DIR/example_keys" ] || stop "no keys in $LOYALTY_STATE_DIR; start the server with \`make run\` first"
    . "$LOYALTY_STATE_DIR/example_keys"
fi
curl --silent --fail --output /dev/null "$BASE_URL/readyz" || stop "nobody is ready at $BASE_URL; start the server with \`make run\` first"

# Everything of this walk is named after its start, so that it can be walked again.
walk=$(date +%s)
card="card:$walk"

# The example is a sandbox, and somebody may have moved its clock. All is bought at night, as some hours double points.
now=$(curl --silent --fail "$BASE_URL/v1/program/clock" --header "Authorization: Bearer $ADMIN_KEY" \
    | sed 's/.*"now":"\([^"]*\)".*/\1/')
day=${now%%T*}
night="${day}T00:00:00Z"

# call WHAT STATUS KEY METHOD PATH [BODY] [IDEMPOTENCY_KEY]: makes one call, prints it, and leaves the answer in $answer
call() {
    echo
    echo "== $1"
    echo "$4 $5${6:+
$6}"
    set -- "$2" "$3" "$4" "$5" "${6:-}" "${7:-}"
    if [ -n "$5" ]; then
        answer=$(curl --silent --show-error --write-out '\n%{http_code}' --request "$3" "$BASE_URL/v1$4" \
            --header "Authorization: Bearer $2" --header 'Content-Type: application/json' \
            ${6:+--header "Idempotency-Key: $6"} --data "$5")
    else
        answer=$(curl --silent --show-error --write-out '\n%{http_code}' --request "$3" "$BASE_URL/v1$4" \
            --header "Authorization: Bearer $2")
    fi
    status=$(printf '%s\n' "$answer" | tail -n 1)
    answer=$(printf '%s\n' "$answer" | sed '$d')
    echo "-> $status $answer"
    [ "$status" = "$1" ] || stop "expected $1"
}

# field NAME: the first text field of that name in the last answer
field() {
    printf '%s' "$answer" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1
}

# holds TEXT: stops when the last answer does not hold it
holds() {
    case "$answer" in *"$1"*) ;; *) stop "expected to find $1" ;; esac
}

call "Enrol a member with a card" 201 "$ADMIN_KEY" POST /members \
    "{\"identities\": [\"$card\"], \"name\": \"Ada\"}" "enrol-$walk"

receipt="{\"receipt\": {\"location\": \"berlin-1\", \"till\": \"1\", \"business_date\": \"$day\", \"number\": \"$walk\"},
 \"placed_at\": \"$night\", \"currency\": \"EUR\", \"member\": \"$card\",
 \"lines\": [{\"sku\": \"espresso-1kg\", \"category\": \"coffee\", \"amount\": 12000}]}"
call "A till reports a receipt of 120 euros" 201 "$TILL_KEY" POST /orders "$receipt" "receipt-$walk"
holds '"available":140'
operation=$(field operation_id)
order=$(field id)
earned=$answer

call "The network failed, so the till sends it again: the same answer, credited once" 201 "$TILL_KEY" POST /orders \
    "$receipt" "receipt-$walk"
[ "$answer" = "$earned" ] || stop "the retry got another answer"

call "Spend 100 points" 201 "$TILL_KEY" POST /redemptions \
    "{\"member\": \"$card\", \"wallet\": \"points\", \"points\": 100}" "redeem-$walk"
holds '"available":40'
redemption=$(field id)

call "There are not enough for a second time: a refusal with a stable code" 409 "$TILL_KEY" POST /redemptions \
    "{\"member\": \"$card\", \"wallet\": \"points\", \"points\": 100}" "again-$walk"
holds '"code":"insufficient_points"'

call "The customer changed their mind: every point goes back to where it came from" 200 "$TILL_KEY" \
    POST "/redemptions/$redemption/cancel" '{"reason": "changed_mind"}' "cancel-$walk"
holds '"available":140'

call "A checkout holds 100 points for five minutes" 201 "$TILL_KEY" POST /redemptions \
    "{\"member\": \"$card\", \"wallet\": \"points\", \"points\": 100, \"hold\": true, \"ttl_seconds\": 300}" "hold-$walk"
holds '"held":100'
hold=$(field id)

call "The payment is through: what was held is spent" 200 "$TILL_KEY" \
    POST "/redemptions/$hold/capture" '{"points": 100}' "capture-$walk"
holds '"available":40'

call "Half of the coffee comes back: money to pay back, and its points are taken; what is not there is owed" 201 "$TILL_KEY" \
    POST "/orders/$order/returns" '{"lines": [{"id": "1", "quantity": "0.5"}], "reason": "too_much"}' "return-$walk"
holds '"refund":6000'
holds '"debt":20'

call "A web shop reserves a cart for 15 minutes, paid with all the cashback there is" 201 "$ADMIN_KEY" POST /reservations \
    "{\"member\": \"$card\", \"currency\": \"EUR\", \"lines\": [{\"sku\": \"tea\", \"amount\": 2000}],
 \"pay_with_points\": {\"wallet\": \"cashback\", \"points\": \"max\"}, \"ttl_seconds\": 900}" "cart-$walk"
holds '"status":"reserved"'
holds '"held":120'
cart=$(field id)

call "The customer takes another one: the cart is reserved anew, and nothing was free in between" 201 "$ADMIN_KEY" \
    POST /reservations \
    "{\"member\": \"$card\", \"currency\": \"EUR\", \"lines\": [{\"sku\": \"tea\", \"amount\": 4000, \"quantity\": 2}],
 \"pay_with_points\": {\"wallet\": \"cashback\", \"points\": \"max\"}, \"replaces\": \"$cart\"}" "more-$walk"
cart=$(field id)
promised=$(printf '%s' "$answer" | sed 's/.*\("total":[0-9]*\).*/\1/')

call "It is paid: the cart becomes an order, for exactly what was promised" 201 "$ADMIN_KEY" \
    POST "/reservations/$cart/confirm" "{\"order_id\": \"web-$walk\"}" "confirm-$walk"
holds "$promised"
holds '"status":"credited"'

call "Why did the receipt earn what it earned?" 200 "$ADMIN_KEY" GET "/operations/$operation/explanation"
holds '"rule":"coffee"'

call "The coffee made a regular of her" 200 "$ADMIN_KEY" GET "/members/$card/tiers"
holds '"tier":"regular"'

call "She pays for a year of the delivery club" 201 "$ADMIN_KEY" POST "/members/$card/plans/delivery_club/payments" \
    "{\"payment\": \"pay-$walk\", \"amount\": 2900, \"currency\": \"EUR\"}" "club-$walk"
holds '"state":"active"'

call "What does the shop do for her now?" 200 "$ADMIN_KEY" GET "/members/$card/entitlements"
holds '"entitlement":"tastings"'
holds '"entitlement":"free_delivery"'

call "She recommends the shop: everybody has a code" 200 "$ADMIN_KEY" GET "/members/$card/referral-code"
code=$(field code)

call "A friend comes with it, and buys for 30 euros; so far nobody gets anything for that" 201 "$ADMIN_KEY" POST /orders \
    "{\"order_id\": \"friend-$walk\", \"placed_at\": \"$night\", \"currency\": \"EUR\", \"member\": \"card:friend-$walk\",
 \"lines\": [{\"sku\": \"tea\", \"amount\": 3000}], \"brought_by\": {\"code\": \"$code\"}}" "friend-$walk"
holds '"state":"registered"'

call "Two weeks pass in a moment: the example is a sandbox" 200 "$ADMIN_KEY" POST /program/clock '{"forward": {"days": 15}}'
now=$(field now)
night="${now%%T*}T00:00:00Z"

call "The goods stayed, so both are rewarded: the friend hears of it with the next purchase" 201 "$ADMIN_KEY" POST /orders \
    "{\"order_id\": \"again-$walk\", \"placed_at\": \"$night\", \"currency\": \"EUR\", \"member\": \"card:friend-$walk\",
 \"lines\": [{\"sku\": \"tea\", \"amount\": 500}]}" "friend-again-$walk"
holds '"available":335'

call "And she finds her friend among those that count" 200 "$ADMIN_KEY" GET "/members/$card/referrals"
holds '"state":"rewarded"'
holds '"points":500'

echo
echo "Done: earned once, spent once, taken back once, held, returned, reserved, confirmed, explained, in a tier and a club,"
echo "and rewarded for a friend."
