using System.Text.Json.Nodes;

namespace Troupe.EndToEnd.Harness;

/// <summary>One VirtualMachine as its owner handles it: kubectl and virtctl (or the same request, where there is no virtctl).</summary>
public sealed class MachineDriver(TroupeCluster cluster, string name)
{
    public string Name => name;

    public Task<JsonNode?> Machine() => cluster.Get("vm", name);

    public Task<JsonNode?> Instance() => cluster.Get("vmi", name);

    public async Task<string?> InstanceUid() => (string?)(await Instance())?["metadata"]?["uid"];

    /// <summary>What `kubectl get vm` shows as STATUS.</summary>
    public async Task<string> Word() => (await cluster.Kubectl("get", "vm", name, "--no-headers", "--ignore-not-found")).Output.Split(' ', StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(2) ?? "";

    /// <exception cref="TimeoutException">With the machine, its instance, pods and events.</exception>
    public async Task Becomes(string word, TimeSpan? within = null)
    {
        try
        {
            await Eventually.Get($"'{word}' as the status of {name}", Word, w => w == word, within ?? TimeSpan.FromSeconds(120));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{await Describe()}");
        }
    }

    /// <summary>Waits for a running instance other than the given one; returns its UID.</summary>
    public async Task<string> Runs(string? otherThan = null)
    {
        try
        {
            var instance = await Eventually.Get($"a running instance of {name}", Instance,
                i => (string?)i?["status"]?["phase"] == "Running" && (string?)i["metadata"]!["uid"] != otherThan, TimeSpan.FromSeconds(120));
            await Becomes("Running");
            return (string)instance!["metadata"]!["uid"]!;
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{await Describe()}");
        }
    }

    /// <summary>Waits until there is no instance and the machine says that it is stopped.</summary>
    public async Task Stops()
    {
        await Eventually.Get($"no instance of {name}", InstanceUid, uid => uid is null);
        await Becomes("Stopped");
    }

    /// <summary>`virtctl VERB NAME FLAGS`, or its request by hand.</summary>
    /// <param name="body">The request's options as virtctl makes them from the flags.</param>
    public Task<ShellResult> Command(string verb, string body = "{}", params string[] flags) => ConsoleSession.Virtctl is { } virtctl
        ? Shell.RunAsync(virtctl, ["--kubeconfig", cluster.Kubeconfig, verb, name, .. flags])
        : Raw(verb, body);

    public Task<ShellResult> Raw(string verb, string body = "{}", string resource = "virtualmachines") => Shell.RunAsync("kubectl",
        ["--kubeconfig", cluster.Kubeconfig, "replace", "--raw", $"/apis/subresources.kubevirt.io/v1/namespaces/default/{resource}/{name}/{verb}", "-f", "-"], body);

    /// <summary>Types `poweroff` as root on the guest's console.</summary>
    public async Task PowerOffInside()
    {
        await using var console = new ConsoleSession(cluster, name);
        await console.LogIn("root");
        await console.Send("poweroff\n");
        await Eventually.True($"the guest of {name} is off", async () => (string?)(await Instance())?["status"]?["phase"] is not "Running");
    }

    public async Task Patch(string mergePatch) => (await cluster.Kubectl("patch", "vm", name, "--type=merge", "-p", mergePatch)).Require();

    public async Task<JsonNode?> Condition(string type) =>
        (await Machine())?["status"]?["conditions"]?.AsArray().FirstOrDefault(c => (string?)c?["type"] == type);

    public async Task Delete() => (await cluster.Kubectl("delete", "vm", name, "--timeout=90s")).Require();

    private async Task<string> Describe() =>
        $"{(await Machine())?["status"]?.ToJsonString()}\n{(await Instance())?["status"]?.ToJsonString()}\n{(await cluster.Kubectl("get", "pods,events", "-o", "wide")).Output}\n{cluster.Logs()}";
}
