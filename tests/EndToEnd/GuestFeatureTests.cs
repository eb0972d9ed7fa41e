using System.Net;
using System.Text.Json.Nodes;
using Troupe.EndToEnd.Harness;
using Troupe.Tests.Shared;
using Xunit;

namespace Troupe.EndToEnd;

/// <summary>What the spec promises a guest, looked for in the guest, and what a user does to it from outside.</summary>
[Trait("Category", "Real"), Collection(SharedCluster.Collection)]
public sealed class GuestFeatureTests(SharedCluster shared)
{
    private TroupeCluster Cluster => shared.Cluster;

    [Fact]
    public async Task Volumes_of_files_are_disks_in_the_guest_with_these_files_on_them()
    {
        (await Cluster.Kubectl("create", "configmap", "settings", "--from-literal=mode=of-the-map")).Require();
        (await Cluster.Kubectl("create", "secret", "generic", "token", "--from-literal=key=of-the-secret")).Require();
        (await Cluster.Apply(Manifests.OnVirtio(Manifests.Demo("files"), "map", "secret", "downward", "account", "drive")
            .Replace("name: files", "name: files\n  labels: {color: blue}", StringComparison.Ordinal) + """

              volumes:
                - {name: map, configMap: {name: settings} }
                - {name: secret, secret: {secretName: token} }
                - name: downward
                  downwardAPI: {fields: [{path: labels, fieldRef: {fieldPath: metadata.labels} }] }
                - {name: account, serviceAccount: {serviceAccountName: default} }
                - {name: drive, cloudInitConfigDrive: {userData: "#cloud-config\nx: of-the-drive\n"} }
            """)).Require();
        await Cluster.Phase("files", "Running");
        await using (var console = new ConsoleSession(Cluster, "files"))
        {
            await console.LogIn("root");
            async Task<string> Read(char disk, string file) => await console.Run($"mkdir -p /tmp/{disk}; mount -o ro /dev/vd{disk} /tmp/{disk}; cat /tmp/{disk}/{file}");
            Assert.Contains("of-the-map", await Read('a', "mode"));
            Assert.Contains("of-the-secret", await Read('b', "key"));
            Assert.Contains("blue", await Read('c', "labels"));
            Assert.Contains("default", await Read('d', "namespace"));
            Assert.Contains("of-the-drive", await Read('e', "openstack/latest/user_data"));
            Assert.Contains("\"hostname\":\"files\"", (await Read('e', "openstack/latest/meta_data.json")).Replace(" ", "", StringComparison.Ordinal));
        }

        (await Cluster.Kubectl("delete", "vmi", "files", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task A_config_map_that_is_missing_is_named_in_the_condition_and_waited_for()
    {
        (await Cluster.Apply(Manifests.Demo("patient") + """

              volumes:
                - {name: map, configMap: {name: still-to-come} }
            """)).Require();
        await Eventually.Get("a condition that names it", () => Cluster.Get("vmi", "patient"), v => v?["status"]?["conditions"]?.AsArray().Any(c =>
            (string?)c!["type"] == "Synchronized" && (string?)c["status"] == "False" && ((string?)c["message"])?.Contains("still-to-come", StringComparison.Ordinal) is true) is true);
        (await Cluster.Kubectl("create", "configmap", "still-to-come", "--from-literal=a=b")).Require();
        var vmi = await Cluster.Phase("patient", "Running");
        Assert.DoesNotContain(vmi["status"]!["conditions"]!.AsArray(), c => (string?)c!["type"] == "Synchronized" && (string?)c["status"] == "False");
        (await Cluster.Kubectl("delete", "vmi", "patient", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task A_guest_is_reached_by_port_forward_pictured_paused_and_rebooted()
    {
        (await Cluster.Apply(Manifests.Demo("handled"))).Require();
        await Cluster.Phase("handled", "Running");
        var driver = new MachineDriver(Cluster, "handled");
        await Eventually.True("the guest agent connects", async () => QuickstartTests.HasCondition(await driver.Instance(), "AgentConnected"));
        var vmi = await Eventually.Get("the guest tells its system and address", driver.Instance,
            v => (string?)v?["status"]?["guestOSInfo"]?["name"] is not null && v["status"]!["interfaces"]![0]!["infoSource"]!.ToString().Contains("guest-agent", StringComparison.Ordinal));
        Assert.Equal("1", vmi!["status"]!["currentCPUTopology"]!["sockets"]!.ToString());
        await Forward();

        var picture = Path.Combine(Cluster.Root, "picture.png");
        (await Shell.RunAsync("sh", ["-c", $"kubectl --kubeconfig {Cluster.Kubeconfig} get --raw /apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/handled/vnc/screenshot > {picture}"])).Require();
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(picture)[..4]);

        (await driver.Raw("pause", resource: "virtualmachineinstances")).Require();
        await Eventually.True("it is paused", async () => QuickstartTests.HasCondition(await driver.Instance(), "Paused"));
        var refused = await Shell.RunAsync("kubectl", ["--kubeconfig", Cluster.Kubeconfig, "get", "--raw", "/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/handled/portforward/80"]);
        Assert.Contains("VMI is paused", refused.Error, StringComparison.Ordinal);
        (await driver.Raw("unpause", resource: "virtualmachineinstances")).Require();
        await Eventually.True("it runs", async () => !QuickstartTests.HasCondition(await driver.Instance(), "Paused"));

        await using var console = new ConsoleSession(Cluster, "handled");
        await console.LogIn("root");
        await console.Run("touch /tmp/before");
        (await driver.Raw("softreboot", resource: "virtualmachineinstances")).Require();
        await console.Expect("login: ", TimeSpan.FromSeconds(120));
        await console.LogIn("root");
        Assert.DoesNotContain("/tmp/before", await console.Run("ls /tmp/* 2>/dev/null"));
        Assert.Equal("Running", (string?)(await driver.Instance())!["status"]!["phase"]);
        (await Cluster.Kubectl("delete", "vmi", "handled", "--timeout=60s")).Require();
    }

    [Fact]
    public async Task A_guest_with_UEFI_and_a_TPM_finds_both_and_their_state_moves_with_it_to_a_claim_of_the_other_node()
    {
        const string First = "persistent-state-for-trusted";
        (await Cluster.Apply(MachineManifests.Of("trusted", "runStrategy: Always").Replace("        firmware:\n", "        firmware:\n          bootloader: {efi: {secureBoot: false, persistent: true} }\n", StringComparison.Ordinal)
            .Replace("          rng: {}\n", "          rng: {}\n          tpm: {persistent: true}\n", StringComparison.Ordinal)
            // The firmware itself takes more than the smallest guest has.
            .Replace("guest: 128Mi", "guest: 384Mi", StringComparison.Ordinal))).Require();
        var vm = new MachineDriver(Cluster, "trusted");
        var first = await vm.Runs();
        await using (var console = new ConsoleSession(Cluster, "trusted"))
        {
            await console.LogIn("root", within: TimeSpan.FromSeconds(240));
            Assert.Contains("systab", await console.Run("ls /sys/firmware/efi"));
            Assert.Contains("MSFT0101", await console.Run("ls /sys/bus/acpi/devices"));
        }

        Assert.Equal("Bound", (string?)(await Cluster.Get("pvc", First))!["status"]!["phase"]);
        var variables = await File.ReadAllBytesAsync(await State(First, "nvram/*_VARS.fd"));
        (await Cluster.Apply(Manifests.Migration("trusted-away", "trusted"))).Require();
        await Cluster.MigrationPhase("trusted-away", "Succeeded");
        await Eventually.Get("the first claim is gone", () => Cluster.Get("pvc", First), claim => claim is null);
        var second = (string)(await Eventually.Get("the VMI tells of both claims", vm.Instance, i => (string?)i?["status"]?["migrationState"]?["sourcePersistentStatePVCName"] == First))!
            ["status"]!["migrationState"]!["targetPersistentStatePVCName"]!;
        Assert.Equal("trusted", (string?)(await Cluster.Get("pvc", second))!["metadata"]!["labels"]!["persistent-state-for"]);
        var moved = await File.ReadAllBytesAsync(await State(second, "nvram/*_VARS.fd"));
        Assert.True(variables.AsSpan().SequenceEqual(moved), "the UEFI variables are others");
        Assert.NotEqual(0, new FileInfo(await State(second, "swtpm/tpm2-*")).Length);

        (await vm.Command("restart")).Require();
        var next = await vm.Runs(otherThan: first);
        var pod = JsonNode.Parse((await Cluster.Kubectl("get", "pods", "-l", $"kubevirt.io/created-by={next}", "-o", "json")).Output)!["items"]!.AsArray().Single()!;
        Assert.Equal(second, (string?)pod["spec"]!["volumes"]!.AsArray().Single(v => (string?)v!["name"] == "vm-state")!["persistentVolumeClaim"]!["claimName"]);
        await vm.Delete();
        await Eventually.Get("the state goes with its machine", () => Cluster.Get("pvc", second), claim => claim is null);
    }

    /// <returns>The one file of that name, below two folders of its launcher's at most.</returns>
    private async Task<string> State(string claim, string file)
    {
        var volume = (string)(await Cluster.Get("pvc", claim))!["spec"]!["volumeName"]!;
        var handle = (string)(await Cluster.Get("pv", volume))!["spec"]!["csi"]!["volumeHandle"]!;
        return Assert.Single(Directory.GetFiles(Path.Combine(Cluster.Root, "devcluster/volumes", handle, "data", Path.GetDirectoryName(file)!), Path.GetFileName(file), SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_guest_is_ready_when_its_agent_and_a_program_in_it_say_so()
    {
        (await Cluster.Apply(Manifests.Demo("probed") + """

              readinessProbe: {exec: {command: [test, -e, /tmp/open]}, periodSeconds: 2, timeoutSeconds: 5}
              livenessProbe: {guestAgentPing: {}, periodSeconds: 5, timeoutSeconds: 5, initialDelaySeconds: 60}
            """)).Require();
        await Cluster.Phase("probed", "Running");
        await using (var console = new ConsoleSession(Cluster, "probed"))
        {
            await console.LogIn("root");
            await Eventually.Get("it is not ready", () => Cluster.Get("vmi", "probed"), v => Ready(v) == "False");
            await console.Run("touch /tmp/open");
            await Eventually.Get("it is ready", () => Cluster.Get("vmi", "probed"), v => Ready(v) == "True");
        }

        (await Cluster.Kubectl("delete", "vmi", "probed", "--timeout=60s")).Require();
    }

    private static string? Ready(JsonNode? vmi) => (string?)vmi?["status"]?["conditions"]?.AsArray().FirstOrDefault(c => (string?)c!["type"] == "Ready")?["status"];

    private async Task Forward()
    {
        if (ConsoleSession.Virtctl is not { } virtctl)
            return;
        var port = Ports.Free();
        using var forward = Shell.Start(virtctl, ["--kubeconfig", Cluster.Kubeconfig, "port-forward", "vmi/handled", $"{port}:80"]);
        try
        {
            using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(20) };
            await Eventually.Get("the guest's web server answers through the tunnel", async () =>
            {
                try
                {
                    return (await http.GetAsync(new Uri($"http://127.0.0.1:{port}/"))).StatusCode;
                }
                catch (HttpRequestException)
                {
                    return HttpStatusCode.ServiceUnavailable;
                }
            }, s => s is HttpStatusCode.OK, TimeSpan.FromSeconds(60));
        }
        finally
        {
            forward.Kill();
            await forward.WaitForExitAsync();
        }
    }
}
