using System.Text;
using Grpc.Core;
using Troupe.Launcher.Disks.CloudInit;
using Troupe.Launcher.Hooks;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.Launcher.Tests.Hooks;

/// <summary>Side-cars served by gRPC's own server on unix sockets.</summary>
public sealed class HookSidecarTests : IDisposable
{
    private static readonly VirtualMachineInstance Vmi = new() { Metadata = new ObjectMeta { Name = "demo", Namespace = "default" } };
    private readonly string _scripts = Directory.CreateTempSubdirectory("hook-scripts-").FullName;
    private readonly string _folder = Directory.CreateTempSubdirectory("hooks-").FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        Directory.Delete(_scripts, recursive: true);
    }

    [Fact]
    public async Task The_domain_goes_through_all_side_cars_that_want_it_the_highest_priority_first_and_each_by_its_newest_version()
    {
        var first = new HookBehaviour("z-first", ["v1alpha2", "v1alpha3"], ("OnDefineDomain", 5)) { Define = xml => xml.Replace("</domain>", "<first/></domain>", StringComparison.Ordinal) };
        var old = new HookBehaviour("a-old", ["v1alpha1"], ("OnDefineDomain", 1)) { Define = xml => xml.Replace("<first/>", "<first/><second/>", StringComparison.Ordinal) };
        var other = new HookBehaviour("other", ["v1alpha3"], ("Shutdown", 9)) { Define = _ => "never asked" };
        await using var servers = await Servers(first, old, other);
        using var hooks = Hooks(3);
        await hooks.CollectAsync(Ct);
        Assert.Equal("<domain><first/><second/></domain>", await hooks.DefineAsync("<domain></domain>", Vmi, Ct));
        Assert.Contains("\"name\":\"demo\"", Assert.Single(first.Heard));
        await hooks.EndAsync(Ct);
        Assert.Equal(["shutdown"], other.Heard);
    }

    [Fact]
    public async Task Cloud_init_data_are_taken_back_in_either_form()
    {
        var modern = new HookBehaviour("modern", ["v1alpha3"], ("PreCloudInitIso", 2)) { Seed = d => (d.NoCloud, d.Full.Replace("#cloud-config", "#cloud-config of modern", StringComparison.Ordinal)) };
        var legacy = new HookBehaviour("legacy", ["v1alpha3"], ("PreCloudInitIso", 1)) { Seed = d => (d.NoCloud.Replace("of modern", "of both", StringComparison.Ordinal), "") };
        await using var servers = await Servers(modern, legacy);
        using var hooks = Hooks(2);
        await hooks.CollectAsync(Ct);
        var data = await hooks.SeedAsync(new CloudInitSources("#cloud-config"u8.ToArray(), "version: 2"u8.ToArray()), isNoCloud: true, Vmi, Ct);
        Assert.Equal(("#cloud-config of both", "version: 2"), (Encoding.UTF8.GetString(data.UserData), Encoding.UTF8.GetString(data.NetworkData!)));
    }

    [Fact]
    public async Task A_side_car_that_refuses_stops_the_start_and_is_named()
    {
        var unwilling = new HookBehaviour("unwilling", ["v1alpha3"], ("OnDefineDomain", 0)) { Define = _ => throw new RpcException(new Grpc.Core.Status(StatusCode.FailedPrecondition, "not today, 100 % sure")) };
        await using var servers = await Servers(unwilling);
        using var hooks = Hooks(1);
        await hooks.CollectAsync(Ct);
        var e = await Assert.ThrowsAsync<HookException>(() => hooks.DefineAsync("<domain/>", Vmi, Ct));
        Assert.Equal("side-car unwilling: kubevirt.hooks.v1alpha3.Callbacks/OnDefineDomain: not today, 100 % sure", e.Message);
    }

    [Fact]
    public async Task Side_cars_may_come_late_and_one_of_an_unknown_version_is_refused()
    {
        using var hooks = Hooks(1);
        var collecting = hooks.CollectAsync(Ct);
        await using (var servers = await Servers(new HookBehaviour("late", ["v1alpha3"])))
            await collecting;
        await using var strange = await Servers(new HookBehaviour("strange", ["v9"]));
        using var others = Hooks(2);
        Assert.Equal("side-car strange speaks v9; known are v1alpha3, v1alpha2, v1alpha1", (await Assert.ThrowsAsync<HookException>(() => others.CollectAsync(Ct))).Message);
    }

    [Fact]
    public async Task A_shim_runs_scripts_for_a_side_car_and_ends_with_the_guest()
    {
        Script("onDefineDomain", """test "$1 $3" = "--vmi --domain" && printf '%s' "$2" | grep -q '"name":"demo"' && printf '%s' "$4" | sed 's/small/large/'""");
        Script("preCloudInitIso", """test "$3" = --cloud-init && printf '%s' "$4" | sed 's/cloud-config/cloud-config from a script/'""");
        var shim = new HookShim("v1alpha3", _scripts, _ => { }).RunAsync(Directory.CreateDirectory(Path.Combine(_folder, "hook-sidecar-0")).FullName, Ct);
        using var hooks = Hooks(1);
        await hooks.CollectAsync(Ct);
        // More than fits into one frame, and into a window.
        var filling = new string('x', 100_000);
        Assert.Equal($"<domain>large{filling}</domain>", await hooks.DefineAsync($"<domain>small{filling}</domain>", Vmi, Ct));
        var data = await hooks.SeedAsync(new CloudInitSources("#cloud-config"u8.ToArray(), null), isNoCloud: true, Vmi, Ct);
        Assert.Equal("#cloud-config from a script", Encoding.UTF8.GetString(data.UserData));
        await hooks.EndAsync(Ct);
        await shim.WaitAsync(TimeSpan.FromSeconds(30), Ct);
        Assert.Empty(Directory.GetFiles(_folder, "*.sock", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task What_a_script_says_of_its_failure_is_told()
    {
        Script("onDefineDomain", "echo 'no such board' >&2; exit 3");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var shim = new HookShim("v1alpha1", _scripts, _ => { }).RunAsync(Directory.CreateDirectory(Path.Combine(_folder, "hook-sidecar-0")).FullName, stop.Token);
        using var hooks = Hooks(1);
        await hooks.CollectAsync(Ct);
        var e = await Assert.ThrowsAsync<HookException>(() => hooks.DefineAsync("<domain/>", Vmi, Ct));
        Assert.Equal("side-car shim: kubevirt.hooks.v1alpha1.Callbacks/OnDefineDomain: onDefineDomain ended with code 3: no such board", e.Message);
        Assert.Same(CloudInit, await hooks.SeedAsync(CloudInit, isNoCloud: true, Vmi, Ct));
        await stop.CancelAsync();
        await shim.WaitAsync(TimeSpan.FromSeconds(30), Ct);
    }

    private static readonly CloudInitSources CloudInit = new("#cloud-config"u8.ToArray(), null);

    private void Script(string name, string text)
    {
        var file = Path.Combine(_scripts, name);
        File.WriteAllText(file, $"#!/bin/sh\n{text}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    private HookSidecars Hooks(int count) => new(_folder, count, TimeProvider.System, _ => { });

    private async Task<Together> Servers(params HookBehaviour[] behaviours)
    {
        List<HookServer> servers = [];
        foreach (var behaviour in behaviours)
            servers.Add(await HookServer.StartAsync(_folder, behaviour));
        return new Together(servers);
    }

    private sealed class Together(List<HookServer> servers) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (var server in servers)
                await server.DisposeAsync();
        }
    }
}
