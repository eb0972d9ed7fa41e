using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Remoting;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.NodeActors.Hosting;
using Troupe.NodeActors.Registration;
using Xunit;

namespace Troupe.NodeActors.Tests.Registration;

public sealed class NodeRegistrarTests
{
    private static readonly NodeAgentOptions Options = new("node-1", null, "/nowhere", [], new RemotingOptions("127.0.0.1", "127.0.0.1", 0, null), "/no/launcher", "/nowhere");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_is_registered_however_often_the_API_server_or_libvirt_fail_at_first()
    {
        var api = new OneNode { Failures = new([new HttpRequestException("refused"), new TaskCanceledException("timed out")]) };
        using var registrar = Registrar(api, new Reader { Failures = new([new IOException("no libvirt yet")]) });
        await registrar.StartAsync(Ct);
        var patch = await api.NextPatch();
        Assert.Equal("true", (string?)patch["metadata"]!["labels"]!["kubevirt.io/schedulable"]);
        Assert.NotNull(patch["metadata"]!["annotations"]!["kubevirt.io/heartbeat"]);
        await registrar.StopAsync(Ct);
    }

    [Fact]
    public async Task An_agent_that_stops_in_order_takes_its_node_out_of_scheduling()
    {
        var api = new OneNode();
        using var registrar = Registrar(api, new Reader());
        await registrar.StartAsync(Ct);
        await api.NextPatch();
        await registrar.StopAsync(Ct);
        Assert.Equal("""{"metadata":{"labels":{"kubevirt.io/schedulable":"false"}}}""", (await api.NextPatch()).ToJsonString());
    }

    [Fact]
    public async Task An_agent_that_never_registered_has_nothing_to_take_back()
    {
        var api = new OneNode();
        using var registrar = Registrar(api, new Reader { Failures = new(Enumerable.Repeat(new IOException("no libvirt"), 1000)) });
        await registrar.StartAsync(Ct);
        await registrar.StopAsync(Ct);
        Assert.Equal(0, api.Patches);
    }

    [Fact]
    public async Task A_missing_launcher_binary_is_an_error_in_words_and_not_the_end_of_the_agent()
    {
        var error = await Assert.ThrowsAsync<IOException>(() => new CapabilitiesReader(Options).ReadAsync(hasKvm: false, Ct));
        Assert.Contains("/no/launcher", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Capabilities_are_asked_for_once_and_then_read_from_the_state_folder()
    {
        var folder = Directory.CreateTempSubdirectory("troupe-capabilities-test-").FullName;
        try
        {
            var launcher = Path.Combine(folder, "virt-launcher");
            // Interpreted by sh rather than executed: a fresh executable that a parallel test's fork still holds open is "busy".
            await File.WriteAllTextAsync(Path.Combine(folder, "script"), $$"""
                echo asked >>{{folder}}/asked
                echo '{"hasKvm":false,"libvirtVersion":"9.0.0","qemuVersion":"7.2.0","machines":["q35"],"cpuModels":["qemu64"],"hostModelFeatures":[]}'
                """, Ct);
            File.CreateSymbolicLink(launcher, "/bin/sh");
            var options = Options with { Launcher = launcher, State = Path.Combine(folder, "state") };
            await Assert.ThrowsAsync<IOException>(() => new CapabilitiesReader(options).ReadAsync(hasKvm: false, Ct));

            File.Delete(launcher);
            await File.WriteAllTextAsync(launcher, $"#!/bin/sh\n. {folder}/script\n", Ct);
            File.SetUnixFileMode(launcher, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            Assert.Equal(["q35"], (await ReadWhenNotBusyAsync(options)).Machines);
            Assert.Equal(["q35"], (await new CapabilitiesReader(options).ReadAsync(hasKvm: false, Ct)).Machines);
            Assert.Single(await File.ReadAllLinesAsync(Path.Combine(folder, "asked"), Ct));

            // Half a file, as a power cut leaves it, is asked for again.
            await File.WriteAllTextAsync(Assert.Single(Directory.GetFiles(options.State)), "{\"hasK", Ct);
            Assert.Equal(["q35"], (await new CapabilitiesReader(options).ReadAsync(hasKvm: false, Ct)).Machines);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<NodeCapabilities> ReadWhenNotBusyAsync(NodeAgentOptions options)
    {
        while (true)
        {
            try
            {
                return await new CapabilitiesReader(options).ReadAsync(hasKvm: false, Ct);
            }
            catch (IOException e) when (e.Message.Contains("busy", StringComparison.OrdinalIgnoreCase))
            {
                await Task.Yield();
            }
        }
    }

    private static NodeRegistrar Registrar(IKubeClient api, ICapabilitiesReader reader) => new(api, reader, Options, TimeProvider.System, NullLogger<NodeRegistrar>.Instance);

    private sealed class Reader : ICapabilitiesReader
    {
        public Queue<Exception> Failures { get; init; } = new();

        public Task<NodeCapabilities> ReadAsync(bool hasKvm, CancellationToken ct) =>
            Failures.TryDequeue(out var failure) ? Task.FromException<NodeCapabilities>(failure) : Task.FromResult(NodeLabelsTests.Host);
    }

    /// <summary>An API server with one node in it.</summary>
    private sealed class OneNode : IKubeClient
    {
        private readonly BlockingCollection<JsonNode> _patches = [];

        public Queue<Exception> Failures { get; init; } = new();

        public int Patches => _patches.Count;

        public Task<JsonNode> NextPatch() => Task.Run(() => _patches.Take(Ct), Ct);

        public Task<T> GetAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject =>
            Failures.TryDequeue(out var failure) ? Task.FromException<T>(failure) : Task.FromResult((T)(KubeObject)new Node { Metadata = new ObjectMeta { Name = name } });

        public Task<T> PatchAsync<T>(string? ns, string name, PatchType type, JsonNode patch, string? subresource = null, PatchQuery? query = null, CancellationToken ct = default) where T : KubeObject
        {
            Assert.Equal(("node-1", PatchType.Merge, null), (name, type, subresource));
            _patches.Add(patch, ct);
            return GetAsync<T>(ns, name, ct);
        }

        public Task<T?> FindAsync<T>(string? ns, string name, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

        public Task<KubeList<T>> ListAsync<T>(string? ns, ListQuery? query = null, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

        public IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(string? ns, ListQuery query, CancellationToken ct) where T : KubeObject => throw new NotSupportedException();

        public Task<T> CreateAsync<T>(T obj, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

        public Task DeleteAsync<T>(string? ns, string name, DeleteQuery? query = null, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

        public Task DeleteAllAsync<T>(string ns, ListQuery query, CancellationToken ct = default) where T : KubeObject => throw new NotSupportedException();

        public Task ApplyRawAsync(string path, JsonNode obj, string fieldManager, CancellationToken ct = default) => throw new NotSupportedException();

        public Task<System.Text.Json.JsonElement?> FindRawAsync(string path, CancellationToken ct = default) => throw new NotSupportedException();

        public Task<JsonNode> PostRawAsync(string path, JsonNode obj, CancellationToken ct = default) => throw new NotSupportedException();
    }
}
