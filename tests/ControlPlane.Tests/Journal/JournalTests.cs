using System.Data.Common;
using Akka.Actor;
using Akka.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Troupe.ControlPlane.Hosting;
using Troupe.ControlPlane.Tests.Vmi.Crash;
using Troupe.Kubernetes.Remoting;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Tests.Shared;
using Xunit;

namespace Troupe.ControlPlane.Tests.Journal;

/// <summary>The journals that production uses, set up as production sets them up.</summary>
public sealed class JournalTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private readonly string _folder = Directory.CreateTempSubdirectory("trp-journal-").FullName;

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public Task Two_VMIs_live_on_over_a_restart_with_SQLite() =>
        LiveOverARestart(null, () => new SqliteConnection($"Data Source={Path.Combine(_folder, "journal.db")}"));

    [Fact]
    public async Task Two_VMIs_live_on_over_a_restart_with_PostgreSQL()
    {
        await using var postgres = await PostgresServer.StartAsync();
        await LiveOverARestart(postgres.ConnectionString, () => new NpgsqlConnection(postgres.ConnectionString));
    }

    private async Task LiveOverARestart(string? connection, Func<DbConnection> open)
    {
        await using VmiWorld first = new([]), second = new([]);
        using var deadline = new CancellationTokenSource(Patience);
        using (var before = await StartAsync(connection))
        {
            var system = before.Services.GetRequiredService<ActorSystem>();
            await Task.WhenAll(first.RunAsync(system, deadline.Token, VmiPhases.Scheduled), second.RunAsync(system, deadline.Token, VmiPhases.Running));
            await before.StopAsync();
        }

        // Under versioned names of ours, never under a type's name.
        Assert.Equal(["vmi.event.phase-entered.1", "vmi.event.pod-named.1", "vmi.event.right-granted.1"], (await ManifestsAsync(open, second)).Take(3));

        using (var after = await StartAsync(connection))
        {
            var system = after.Services.GetRequiredService<ActorSystem>();
            await Task.WhenAll(first.RunAsync(system, deadline.Token), second.RunAsync(system, deadline.Token));
            await after.StopAsync();
        }

        foreach (var world in new[] { first, second })
        {
            Assert.Equal((1, 1), (world.Guest.Starts, world.Api.PodsCreated));
            Assert.Equal([1L], world.Guest.Epochs);
            Assert.Equal(VmiPhases.Succeeded, world.Api.Phases[^1]);
        }

        // Of a VMI that is over nothing is kept but that, and the journal's own mark of what it deleted; and nothing is snapshotted.
        foreach (var world in new[] { first, second })
            Assert.Equal(["vmi.event.domain-released.1", "vmi.event.retired.1"], await ManifestsAsync(open, world));
        Assert.Equal(["0"], await ColumnAsync(open, "SELECT count(*) FROM snapshot"));
    }

    private static Task<List<string>> ManifestsAsync(Func<DbConnection> open, VmiWorld world) =>
        ColumnAsync(open, $"SELECT DISTINCT manifest FROM journal WHERE persistence_id = '{world.PersistenceId}' ORDER BY manifest");

    private async Task<IHost> StartAsync(string? connection)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddAkka(AkkaConfiguration.SystemName, akka => akka.WithWireSerialization().WithTroupeJournal(connection, _folder).ConfigureLoggers(l => l.ClearLoggers()));
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private static async Task<List<string>> ColumnAsync(Func<DbConnection> open, string query)
    {
        await using var connection = open();
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = query;
        await using var reader = await command.ExecuteReaderAsync();
        List<string> values = [];
        while (await reader.ReadAsync())
            values.Add($"{reader.GetValue(0)}");
        return values;
    }
}
