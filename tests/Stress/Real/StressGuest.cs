using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;

namespace Troupe.Stress.Real;

/// <summary>
/// A real guest with work in it that shows any loss: an echo server, whose peer counts lines, and a writer that puts numbered records on a
/// disk, one after the other, each synchronised before it counts as written.
/// </summary>
internal sealed class StressGuest(TroupeCluster cluster, string name, int dirtyMiB, int dirtyMiBPerSecond) : IAsyncDisposable
{
    private const string Script = """
        #!/bin/sh
        for d in /sys/block/vd*; do [ "$(cat $d/serial 2>/dev/null)" = STRESS ] && echo /dev/${d##*/} >/run/stress-disk; done
        cd /srv/www/cgi-bin
        printf '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\ncat /run/stress-written\n' >written
        cat >verify <<'END'
        #!/bin/sh
        printf 'Content-Type: text/plain\r\n\r\n'
        disk=$(cat /run/stress-disk)
        n=$(cat /run/stress-written)
        sync
        echo 3 >/proc/sys/vm/drop_caches
        wanted=$(awk -v n=$n 'BEGIN { for (i = 0; i < n; i++) printf "%015d\n", i }' | md5sum)
        found=$(dd if=$disk bs=16 count=$n 2>/dev/null | md5sum)
        [ "$wanted" = "$found" ] && echo "whole $n" || echo "LOST $n"
        END
        chmod 755 written verify
        nc -ll -p 7 -e cat >/dev/null 2>&1 &
        disk=$(cat /run/stress-disk)
        (n=0
        while :; do
          printf '%015d\n' $n | dd of=$disk bs=16 seek=$n conv=notrunc,fsync 2>/dev/null && n=$((n + 1)) && echo $n >/run/stress-next && mv /run/stress-next /run/stress-written
          sleep 0.1
        done) >/dev/null 2>&1 &
        """;

    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(20) };
    private EchoSession? _session;
    private long _written;

    public string Name => name;

    public string Uid { get; private set; } = "";

    /// <summary>Under which its peer knows it for ever.</summary>
    public string Address { get; private set; } = "";

    /// <summary>What had it was killed on purpose.</summary>
    public bool IsExcused { get; set; }

    public string Manifest() => new JsonObject
    {
        ["apiVersion"] = "kubevirt.io/v1",
        ["kind"] = "VirtualMachineInstance",
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject
        {
            ["terminationGracePeriodSeconds"] = 5,
            ["domain"] = JsonNode.Parse($$"""
                {
                  "memory": { "guest": "128Mi" },
                  "firmware": { "kernelBoot": { "kernelArgs": "console=ttyS0 no_timer_check tsc=reliable cryptomgr.notests nokaslr troupe.dirty={{dirtyMiB}}:{{dirtyMiBPerSecond}}",
                    "container": { "image": "registry.troupe.local/demo-guest-kernel:latest", "kernelPath": "/boot/vmlinuz", "initrdPath": "/boot/initrd.gz" } } },
                  "devices": { "rng": {}, "interfaces": [{ "name": "default", "masquerade": {} }],
                    "disks": [{ "name": "work", "serial": "STRESS", "disk": { "bus": "virtio" } }, { "name": "seed", "disk": { "bus": "virtio" } }] }
                }
                """),
            ["networks"] = JsonNode.Parse("""[{ "name": "default", "pod": {} }]"""),
            ["volumes"] = new JsonArray(
                JsonNode.Parse("""{ "name": "work", "emptyDisk": { "capacity": "16Mi" } }"""),
                new JsonObject { ["name"] = "seed", ["cloudInitNoCloud"] = new JsonObject { ["userData"] = Script } }),
        },
    }.ToJsonString();

    /// <summary>Its kernel panicked under emulation.</summary>
    public bool HasPanicked { get; set; }

    /// <summary>Returns when it runs and its checks do.</summary>
    public async Task StartAsync()
    {
        (await cluster.Apply(Manifest())).Require();
        Uid = (string)(await cluster.Phase(name, "Running", TimeSpan.FromMinutes(4)))["metadata"]!["uid"]!;
        Address = (await Eventually.Get($"the address of {name}", async () => (string?)(await cluster.Get("vmi", name))?["status"]?["interfaces"]?[0]?["ipAddress"], a => a is not null))!;
        await Eventually.True($"the disk writer of {name}", async () => long.TryParse(await ReadAsync("written"), out _written) && _written > 0, TimeSpan.FromMinutes(4));
        _session = await EchoSession.OpenAsync(Address, 7);
        await _session.MovesOnAsync();
    }

    /// <summary>The longest silence that the peer has known since this was asked before.</summary>
    public TimeSpan TakeSilence() => _session!.TakeLongestGap();

    /// <returns>What was lost of the TCP session; null when nothing was.</returns>
    public async Task<string?> LostOfSessionAsync()
    {
        try
        {
            await _session!.MovesOnAsync();
            return null;
        }
        catch (Exception e) when (e is IOException or TimeoutException or AggregateException)
        {
            return $"the TCP session with {name} at {Address}: {_session!.Broken ?? e.Message}";
        }
    }

    /// <returns>What was lost on the disk; null when nothing was.</returns>
    public async Task<string?> LostOnDiskAsync()
    {
        var (before, answer) = (_written, (string?)null);
        try
        {
            // A write that never came back would hold the writer up for ever; one on a busy machine only takes its time.
            await Eventually.True("the writer goes on", async () => long.TryParse(await ReadAsync("written"), out _written) && _written > before);
            await Eventually.True("the verification", async () => (answer = await ReadAsync("verify")) is not null);
        }
        catch (TimeoutException e)
        {
            return $"the disk of {name}: {e.Message}; {before} records were written before, and {_written} now";
        }

        return answer!.Trim().Split(' ') is ["whole", _] ? null : $"the disk of {name}: {answer.Trim()}";
    }

    /// <summary>Ends the session as it should end: everything that was sent has come back.</summary>
    public async Task<string?> FinishSessionAsync()
    {
        try
        {
            await _session!.FinishAsync();
            return null;
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            return $"the TCP session with {name}: {e.Message}";
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_session is not null)
            await _session.DisposeAsync();
    }

    private async Task<string?> ReadAsync(string what)
    {
        try
        {
            return await Http.GetStringAsync($"http://{Address}/cgi-bin/{what}");
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return null;
        }
    }
}
