# The node lives if it answers, also if it reads its data or runs a script.
. "$REDIS_CONFIG/common.sh"
case $(ask "$POD_IP" ping) in
"" | "Could not connect"*) exit 1 ;;
esac
