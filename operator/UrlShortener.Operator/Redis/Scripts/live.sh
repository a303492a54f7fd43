# The node lives if it answers, also if it reads its data or runs a script. One that refuses every password that its pod knows can only be started again.
. "$REDIS_CONFIG/common.sh"
answer=$(ask "$POD_IP" ping)
case $answer in *NOAUTH* | *DENIED*)
    REDISCLI_AUTH=$(accepted)
    answer=$(ask "$POD_IP" ping)
    ;;
esac
case $answer in
"" | "Could not connect"* | *NOAUTH* | *DENIED*) exit 1 ;;
esac
